<?php
use PHPMailer\PHPMailer\PHPMailer;
if (!defined('SMTP_H')) define('SMTP_H', "smtp\x2ex.com");
const B = 'x' . 'y', C = 2;
$CONFIG = array('mail_smtphost' => 'x', 'n' => ['a' => true, 'l' => ['smtp','log']], 5 => FALSE, 'h' => SMTP_H . B);
$mail = new PHPMailer(true);
$mail->Host = $_ENV['X'] ?? 'y'; $mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS;
$mail->isSMTP(); $mail?->setFrom('a@b', name: 'N'); Foo::bar(1);
$mail->SMTPOptions = array('ssl' => array('verify_peer' => false));
$cfg['a']['b'] = 0x1F; $arr[] = 1;
class M { public $host = 'a'; const P = 1; private static string $x = 'y'; function f($a, $b = 2) { $this->mail->Host = $this->host; $this->z = self::P; return ['a' => 1]; } }
$e = (int) (getenv('P') ?: 587); $f = filter_var(getenv('X'), FILTER_VALIDATE_BOOLEAN); $q = M::P; $w="a $q b";
return ['default' => env('A', 'log'), 'mailers' => ['smtp' => ['host' => env('MAIL_HOST', '127.0.0.1'), 't' => null]]];
