<?php
use PHPMailer\PHPMailer\PHPMailer;

$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host       = 'mail.example.org';
$mail->SMTPAuth   = true;
$mail->Username   = 'noreply@example.org';
$mail->Password   = 'gou8-Ghuv-31';
$mail->SMTPSecure = 'startls';
$mail->Port       = 587;
$mail->setFrom('noreply@example.org', 'Mailer');
