<?php
unset($CFG);
global $CFG;
$CFG = new stdClass();
$CFG->wwwroot   = 'https://learn.example.za';
$CFG->sslproxy = true;
// Email settings
$CFG->smtphosts = 'smtp.gmail.com:587';
$CFG->smtpsecure = 'tls';
$CFG->smtpuser = 'learn@example.za';
$CFG->smtppass = 'abcdefghijklmnop';
$CFG->smtpmaxbulk = 1;
$CFG->noreplyaddress = 'noreply@example.za';
$CFG->timezone = 'Africa/Johannesburg';
require_once(__DIR__ . '/lib/setup.php');
