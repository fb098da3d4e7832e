<?php
$CONFIG = array (
  'trusted_domains' =>
  array (
    0 => 'cloud.haus.example',
  ),
  'mail_smtpmode' => 'smtp',
  'mail_smtphost' => 'smtp.eu.mailgun.org',
  'mail_smtpport' => '587',
  'mail_smtpsecure' => 'tls',
  'mail_smtpauth' => 1,
  'mail_smtpauthtype' => 'LOGIN',
  'mail_smtpname' => 'postmaster@haus.example',
  'mail_smtppassword' => 'mg-aa-11-bb',
  'mail_from_address' => 'cloud@haus.example',
  'mail_domain' => 'haus.example',
);
