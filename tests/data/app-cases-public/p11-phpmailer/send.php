<?php
use PHPMailer\PHPMailer\PHPMailer;

$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host       = 'smtp.ionos.de';
$mail->SMTPAuth   = true;
$mail->Username   = 'hello@example.org';
$mail->Password   = 'Aq1-Ghuv-31';
$mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS;
$mail->Port       = 465;
$mail->setFrom('hello@example.org', 'Mailer');
