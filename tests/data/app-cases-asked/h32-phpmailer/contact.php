<?php
require 'PHPMailerAutoload.php';
$mail = new PHPMailer();
//$mail->isSMTP();
$mail->SMTPDebug = 2;
$mail->CharSet = 'UTF-8';
$mail->Host = 'smtp.gmail.com';
$mail->Port = 587;
$mail->SMTPSecure = 'tls';
$mail->SMTPAuth = true;
$mail->Username = 'someone@gmail.com';
$mail->Password = 'abcdefghijklmnop';
$mail->setFrom('someone@gmail.com', 'somebody');
$mail->AddAddress('other@firma.example');
$mail->Send();
