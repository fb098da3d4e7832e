<?php
$wgShowHostnames = true;
$wgArticlePath = '/wiki/$1';
$wgStylePath = "$wgScriptPath/skins";
$wgSMTP = [
	'host'     => 'bits.example.de',
	'IDHost'   => 'wiki.example.de',
	'port'     => 587,
	'auth'     => true,
	'username' => $wmgEmailUser,
	'password' => $wmgEmailPassword,
];
$wgEnableEmail = true;
$wgEnableUserEmail = true;
$wgEnotifUserTalk = false;
$wgPasswordSender = 'wiki@example.de';
