<?php

# SMTP 邮件配置
$wgSMTP = [
    "host" => "ssl://smtpdm.aliyun.com",
    "IDHost" => "noreply.example.org",
    "port" => 465,
    "auth" => true,
    "username" => "mediawiki@noreply.example.org",
    "password" => getenv("WIKI_SMTP_PWD"),
];
