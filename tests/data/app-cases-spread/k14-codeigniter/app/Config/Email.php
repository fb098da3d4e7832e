<?php

namespace Config;

use CodeIgniter\Config\BaseConfig;

class Email extends BaseConfig
{
    public string $fromEmail  = 'moto@firma.org';
    public string $fromName   = 'MotorSpeed';
    public string $recipients = '';

    /**
     * The mail sending protocol: mail, sendmail, smtp
     */
    public string $protocol = 'smtp';
    public string $mailPath = '/usr/sbin/sendmail';
    public string $SMTPHost = 'smtp.gmail.com';
    public string $SMTPUser = 'moto@firma.org';
    public string $SMTPPass = 'znew wegd guap gocv';
    public int $SMTPPort = 587;
    public int $SMTPTimeout = 10;
    public bool $SMTPKeepAlive = false;
    public string $SMTPCrypto = 'tls';
    public bool $wordWrap = true;
    public string $charset = 'UTF-8';
    public bool $validate = false;
    public int $priority = 3;
}
