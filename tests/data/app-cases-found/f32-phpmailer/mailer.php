<?php

require "PHPMailer/PHPMailerAutoload.php";
$error = '';
function smtpmailer($to, $from, $from_name, $subject, $body)
    {
        $mail = new PHPMailer();
        $mail->IsSMTP();
        $mail->SMTPAuth = false;

        $mail->SMTPSecure = 'ssl';
        $mail->Host = 'laden.example';
        $mail->Port = 587;
        $mail->Username = 'noreply@laden.example';
        $mail->Password = 'ss-33-dd';

        $mail->IsHTML(true);
        $mail->From="noreply@laden.example";
        $mail->FromName=$from_name;
        $mail->Subject = $subject;
        $mail->Body = $body;
        $mail->AddAddress($to);
        return $mail->Send();
    }
