<?php
define( 'DB_NAME', 'wordpress' );
define( 'WP_ENVIRONMENT_TYPE', 'development' );
// Disable File Editor
define('DISALLOW_FILE_EDIT', true);
/* WP MAIL SMTP Force sending to mailhog locally */
define( 'WPMS_ON', true );
define( 'WPMS_MAILER', 'smtp' );
define( 'WPMS_SMTP_HOST', 'vvv.test' );
define( 'WPMS_SMTP_PORT', '1025' );
define( 'WPMS_SMTP_AUTH', false );
define( 'WPMS_SMTP_AUTOTLS', false );
define( 'WPMS_SSL', '' );
define( 'WPMS_SMTP_USER', '' );
define( 'WPMS_SMTYP_PASS', '' );
define( 'WPMS_SMTP_AUTOTLS', false );
define( 'WPMS_SSL', '' );
$table_prefix = 'wp_';
