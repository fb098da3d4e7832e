<?php
$CONFIG = array (
  'instanceid' => 'oc0123456789',
  'datadirectory' => '/mnt/data/files',
  'dbtype' => 'mysql',
  'installed' => true,
  'mail_domain' => 'example.org',
  'mail_from_address' => 'owncloud',
  'mail_smtpmode' => 'smtp',
  'mail_smtpauthtype' => 'LOGIN',
  'mail_smtphost' => 'smtp.gmail.com',
  'mail_smtpsecure' => 'ssl',
  'mail_smtpauth' => 1,
  'mail_smtpname' => 'owncloud@example.org',
  'mail_smtppassword' => 'abcdefghijklmnop',
  'mail_smtpport' => '465',
  'filelocking.enabled' => true,
  'redis' => [
     'host' => 'localhost',
     'port' => 6379,
     'timeout' => 0.0,
     'password' => 'redispass', // Optional, if not defined no password will be used.
 ],
);
