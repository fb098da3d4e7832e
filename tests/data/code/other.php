<?php
declare(strict_types=1);
namespace App\Mail;
use PHPMailer\PHPMailer\{PHPMailer, SMTP};
$host = getenv('HOST') ?: 'h'; $port = (int) ($_ENV['PORT'] ?? 587); $on = filter_var($_SERVER['ON'] ?? 'false', FILTER_VALIDATE_BOOL); $list = ['a', 'b' => ['c' => 1.5]]; $x = $list['b']['c']; [$p, $q] = [1, 2]; list($r) = [3]; $s ??= 'd'; $t .= 'e'; $u = "f{$host}g$list[0]"; $v = <<<TXT
h $port
TXT; $w = <<<'RAW'
i
RAW; $y = !true; $z = -5; $aa = $on ? 'j' : 'j'; $bb = match ($port) { 25 => 'k', default => 'l' }; $cc = sprintf('%s:%d', 'm', 5); $dd = implode(',', ['n', 'o']); $ee = strtolower('P'); $ff = null; $gg = PHP_EOL; $hh = new class { public $q = 'r'; }; $ii = fn($x) => $x; $jj = function () use ($host) { return 's'; }; $kk = clone $hh; $ll = &$host; $mm = @$nn['o']; $oo = isset($pp) ? 1 : 2; $qq = 0b11; $rr = 0o17; $ss = 1_000;
if ($on) { $tt = 1; } elseif ($port) { $tt = 2; } else { $tt = 3; }
if ($on): $uu = 1; else: $uu = 2; endif;
switch ($port) { case 1: $vv = 1; break; default: $vv = 2; }
for ($i = 0; $i < 2; $i++) { } foreach ($list as $k => $one) { $ww = $one; } while (false) { } do { } while (false);
try { $xx = 1; } catch (\Exception $e) { $xx = 2; } finally { $yy = 3; }
final class Mailer { public const HOST = 'a' . 'b'; public function __construct(private string $host = 'c', protected ?int $port = 587) { $this->mail = new PHPMailer(true); $this->mail->Host = self::HOST; $this->mail->SMTPAuth = true; $this->mail->Port = $this->port; $this->mail->SMTPSecure = PHPMailer::ENCRYPTION_SMTPS; static::$x = 'd'; } }
define('A', 'b'); defined('C') || define('C', true); const D = ['e' => 'f']; config(['mail.mailers.smtp.host' => 'g']); Config::set('mail.default', 'smtp'); ini_set('SMTP', 'h'); $GLOBALS['cfg']['i'] = 'j'; putenv('K=l');
trait T { } interface I { const X = 1; } enum E: string { case A = 'a'; } abstract class B { abstract function f(); } function g(int $a = 5, ...$rest): ?string { return $a; } echo 'x', 'y'; ?>
<html><?= $host ?></html>
