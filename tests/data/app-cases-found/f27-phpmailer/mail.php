<?php
use PHPMailer\PHPMailer\PHPMailer;
use PHPMailer\PHPMailer\Exception;

require 'vendor/autoload.php';

$mail = new PHPMailer(true);

try {
    $mail->SMTPDebug = 2;
    $mail->isSMTP();
    $mail->Host       = 'mail.maputo.example';
    $mail->SMTPAuth   = true;
    $mail->Username   = 'site@maputo.example';
    $mail->Password   = 'ww-73-ee';
    $mail->SMTPSecure = 'tsl';
    $mail->Port       = 465;
    $mail->setFrom('site@maputo.example'); //same as username
    $mail->addAddress('someone@maputo.example');
    $mail->isHTML(true);
    $mail->send();
} catch (Exception $e) {
    echo "Message could not be sent. Mailer Error: {$mail->ErrorInfo}";
}
