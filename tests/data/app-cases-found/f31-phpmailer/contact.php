<?php
use PHPMailer\PHPMailer\PHPMailer;
use PHPMailer\PHPMailer\Exception;

require 'src/Exception.php';
require 'src/PHPMailer.php';
require 'src/SMTP.php';
//Create a new PHPMailer instance
$mail = new PHPMailer(true);
//Set who the message is to be sent from
$mail->host = 'mail.jagd.example';
$mail->SMTPSecure = 'ssl';
$mail->Port = 465;
$mail->setFrom('developer@jagd.example', 'First Last');
$mail->addReplyTo('replyto@jagd.example', 'First Last');
$mail->addAddress('whoto@jagd.example', 'John Doe');
$mail->Subject = 'PHPMailer mail() test';
$mail->Body    = 'This is the HTML message body <b>in bold!</b>';
$mail->send();
