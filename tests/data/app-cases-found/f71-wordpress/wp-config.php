<?php
define( 'WP_ENVIRONMENT_TYPE', 'local' );
define( 'WPMS_ON', true );
define( 'WPMS_MAILER', 'smtp' );
define( 'WPMS_SMTP_HOST', 'smtp.hostinger.com' );
define( 'WPMS_SMTP_PORT', 465 );
define( 'WPMS_SSL', 'ssl' );
define( 'WPMS_SMTP_AUTH', true );
define( 'WPMS_SMTP_USER', 'impact@ministry.example' );
define( 'WPMS_SMTP_PASS', 'Keeper23!!' );
define( 'WPMS_MAIL_FROM', 'impact@ministry.example' );
define( 'WPMS_MAIL_FROM_NAME', 'BT Education Ministry' );
