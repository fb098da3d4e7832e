<?php
class Mailer {
  public function send($address) {
             $mail = new PHPMailer();
             $mail->IsSMTP();
             $mail->SMTPSecure = 'ssl';
             $mail->SMTPDebug = 1;
             $mail->Host = 'smtp.126.com';
             $mail->SMTPAuth = true;
             $mail->Username = 'himmel2007';
             $mail->Password = 'ABCDEFGHIJKLMNOP';
             $mail->Port = 465;
             $mail->From = 'himmel2007@126.com';
             $mail->AddAddress("$address", "my friend");
             $mail->IsHTML(true);
  }
}
