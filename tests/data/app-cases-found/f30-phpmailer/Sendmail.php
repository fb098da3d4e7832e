<?php
require 'PHPMailer/PHPMailerAutoload.php';
function Sendmail($to, $subject, $message, $filename, $path){

$email = new PHPMailer;
$email->isSMTP();
$email->Host = 'mydomain.example';
$email->SMTPAuth = true;
$email->Username = "info@mydomain.example";
$email->Password = "ff-81-gg";
$email->SMTPSecure = 'tls';
$email->Port = 587;
$email->Subject = $subject;
$email->setFrom('info@mydomain.example', $subject);
$email->addReplyTo('admin@mydomain.example', $subject);
$email->isHTML(true);

// Add a recipient
$email->AddAddress($to);
$email->Body = $message;
if(!$email->send()) {
print_r($email->ErrorInfo);
}
}
