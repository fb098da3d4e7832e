<?php  // Moodle configuration file
unset($CFG);
global $CFG;
$CFG = new stdClass();
$CFG->dbtype    = 'pgsql';
$CFG->wwwroot   = 'https://moodle.example.tr';
$CFG->dataroot  = '/var/moodledata';
// E-posta
$CFG->smtphosts = 'smtp.firma.org:25';  // SMTP sunucunuzu yazın
$CFG->noreplyaddress = 'noreply@moodle.example.tr';
$CFG->supportemail = 'support@moodle.example.tr';
require_once(__DIR__ . '/lib/setup.php');
