<?php
use PHPMailer\PHPMailer\PHPMailer;

$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host       = 'smtp.gmail.com';
$mail->SMTPAuth   = true;
$mail->Username   = 'orders.desk@gmail.com';
$mail->Password   = 'abcd efgh ijkl mnop';
$mail->SMTPSecure = 'ssl';
$mail->Port       = 587;
$mail->setFrom('orders.desk@gmail.com', 'Mailer');
