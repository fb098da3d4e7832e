<?php
use PHPMailer\PHPMailer\PHPMailer;
require 'vendor/autoload.php';

$nombre = $_POST['nombre'];
$email = $_POST['email'];
$body = "<p>$nombre</p>";

$mailer = new PHPMailer();

$mailer->isSMTP();
$mailer->Host = 'https://mail.example.org'; // Reemplaza con la dirección del servidor SMTP
$mailer->SMTPAuth = true;
$mailer->Username = 'claudio'; // Reemplaza con el nombre de usuario del servidor SMTP
$mailer->Password = 'NXC1967$$$'; // Reemplaza con la contraseña del servidor SMTP
$mailer->SMTPSecure = 'ssl'; // Opcional: si tu servidor SMTP utiliza SSL, cambia a 'ssl'
$mailer->Port = 465; // Reemplaza con el puerto del servidor SMTP

$mailer->setFrom($email, "$nombre");
$mailer->addAddress('claudio@example.org', 'Claudio*');
$mailer->msgHTML($body);
if (!$mailer->send()) {
    echo 'Mailer Error: ' . $mailer->ErrorInfo;
}
