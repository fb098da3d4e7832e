<?php
require 'PHPMailer/PHPMailerAutoload.php';
function Sendmail($to, $subject, $message, $filename, $path){

$email = new PHPMailer;
$email->isSMTP();
$email->Host = 'ladenbau.example';
$email->SMTPAuth = true;
$email->Username = "info@ladenbau.example";
$email->Password = "ff-81-gg";
$email->SMTPSecure = 'tls';
$email->Port = 587;
$email->Subject = $subject;
$email->setFrom('info@ladenbau.example', $subject);
$email->addReplyTo('admin@ladenbau.example', $subject);
$email->isHTML(true);

// Add a recipient
$email->AddAddress($to);
$email->Body = $message;
if(!$email->send()) {
print_r($email->ErrorInfo);
}
}
