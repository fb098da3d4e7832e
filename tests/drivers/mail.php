<?php
// Sends mail through PHP's libraries: `php mail.php LIBRARY`, one JSON object a line in and out, as `python_mail.py`.
$library = $argv[1];
foreach ([getenv('PHP_MAIL_AUTOLOAD'), "/usr/share/php/libphp-phpmailer/autoload.php",
          '/usr/share/php/Symfony/Component/Mailer/autoload.php'] as $file) {
    if ($file && is_file($file)) {
        require_once $file;
    }
}

function phpmailer(array $case): void
{
    $mail = new PHPMailer\PHPMailer\PHPMailer(true);
    $mail->isSMTP();
    // By its address: newer versions leave STARTTLS out where the host is called localhost.
    $mail->Host = ($case['options']['prefix'] ?? '') . '127.0.0.1';
    $mail->Port = $case['port'];
    $mail->Timeout = 10;
    $mail->SMTPAuth = true;
    $mail->Username = $case['id'];
    $mail->Password = 'secret';
    foreach (['SMTPSecure', 'SMTPAutoTLS', 'SMTPOptions'] as $name) {
        if (array_key_exists($name, $case['options'])) {
            $mail->$name = $case['options'][$name];
        }
    }
    $mail->setFrom($case['id'] . '@example.test');
    $mail->addAddress('somebody@example.test');
    $mail->Body = 'x';
    $mail->send();
}

function symfony(array $case): void
{
    $transport = Symfony\Component\Mailer\Transport::fromDsn($case['url']);
    $message = (new Symfony\Component\Mime\Email())
        ->from($case['id'] . '@example.test')->to('somebody@example.test')->subject('x')->text('x');
    $transport->send($message);
}

if ($library === 'version') {
    $known = [
        'phpmailer' => class_exists('PHPMailer\PHPMailer\PHPMailer') ? PHPMailer\PHPMailer\PHPMailer::VERSION : '',
        'symfony' => class_exists('Symfony\Component\Mailer\Transport')
            ? (method_exists('Symfony\Component\Mailer\Transport\Smtp\EsmtpTransport', 'setRequireTls') ? '7.3.0'
            : (method_exists('Symfony\Component\Mailer\Transport\Smtp\EsmtpTransport', 'setAutoTls') ? '7.1.0' : '5.4.0')) : '',
    ];
    echo $known[$argv[2]], "\n";
    exit;
}
while (($line = fgets(STDIN)) !== false) {
    $case = json_decode($line, true);
    $error = '';
    try {
        $library($case);
    } catch (Throwable $failure) {
        $error = get_class($failure) . ': ' . $failure->getMessage();
    }
    echo json_encode(['id' => $case['id'], 'error' => $error], JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}
