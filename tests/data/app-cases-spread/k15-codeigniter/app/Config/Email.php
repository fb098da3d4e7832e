<?php

namespace Config;

use CodeIgniter\Config\BaseConfig;

class Email extends BaseConfig
{
    public $fromEmail = 'web@firma.org';
    public $fromName = 'Mathi';
    public $recipients = [];
    public $SMTPHost = 'ssl://smtp.gmail.com'; // SMTP server address
    public $SMTPUser = 'web@firma.org'; // SMTP username
    public $SMTPPass = 'abcdefghijklmnop'; // SMTP password
    public $SMTPPort = 587; // SMTP port
    public $SMTPCrypto = 'tls'; // 'ssl' or 'tls'
    public $SMTPTimeout = 60; // Timeout in seconds
    public $mailType = 'html'; // Can be 'text' or 'html'
}
