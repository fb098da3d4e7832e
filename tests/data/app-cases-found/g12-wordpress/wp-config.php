<?php
define( 'WP_DEBUG', true );

define( 'WPMS_ON', true ); // True turns on constants support and usage, false turns it off.
define( 'WPMS_MAILER', 'smtp' );
define( 'WPMS_SMTP_HOST', 'sg2plcpnl0001.prod.sin2.secureserver.net' ); // The SMTP mail host.
define( 'WPMS_SMTP_PORT', 587 ); // The SMTP server port number.
define( 'WPMS_SSL', 'tls' ); // Possible values '', 'ssl', 'tls' - note TLS is not STARTTLS.
define( 'WPMS_SMTP_AUTH', true ); // True turns it on, false turns it off.
define( 'WPMS_SMTP_USER', 'info@kainos.example' );
define( 'WPMS_SMTP_PASS', 'kk-82-ll' );
