<?php

require("PHPMailer-master/class.phpmailer.php"); // path to the PHPMailer class
require("PHPMailer-master/class.smtp.php");
$mail = new PHPMailer();

$mail->IsSMTP();  // telling the class to use SMTP
$mail->Mailer = "smtp";
$mail->Host = "ssl://smtp.gmail.com";
$mail->Port = 587;
$mail->SMTPAuth = true; // turn on SMTP authentication
$mail->Username = "formularz.www@gmail.com"; // SMTP username
$mail->Password = "abcdefghijklmnop"; // SMTP password
$mail->From = "formularz.www@gmail.com";
$mail->AddAddress("biuro@firma.example");
$mail->Subject = "Kontakt";
$mail->Send();
