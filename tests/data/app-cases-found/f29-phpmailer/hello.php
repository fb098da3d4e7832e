<?php
require_once('../PHPmailer/PHPMailerAutoload.php');
if(isset($_POST['checked'])){
 $mail = new PHPMailer();
$mail->isSMTP();
$mail->SMTPAuth = true;
$mail->SMTPSecure = 'ssl';
$mail->Host ='smtp.gmail.com';
$mail->Port ='587';
$mail->isHTML();
$mail->Username ='hello.form@gmail.com';
$mail->Password ='abcdefghijklmnop';
$mail->SetFrom('no-reply@kiosk.example');
$mail->Subject = 'Hello there!';
$mail->Body = 'Thank you for being part of us.';
$mail->AddAddress($email);
$mail->Send();
}
