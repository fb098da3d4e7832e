<?php
class JConfig {
	public $offline = '0';
	public $host = 'localhost';
	public $user = 'joomla';
	public $password = 'ahquaelahd7Aeth0';
	public $db = 'joomla';
	public $mailonline = '1';
	public $mailer = 'mail';
	public $mailfrom = 'soporte@firma.org';
	public $fromname = 'Housefinish';
	public $sendmail = '/usr/sbin/sendmail';
	public $smtpauth = '0';
	public $smtpuser = '';
	public $smtppass = '';
	public $smtphost = 'localhost';
	public $smtpsecure = 'none';
	public $smtpport = '25';
	public $caching = '0';
}
