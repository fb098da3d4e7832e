# frozen_string_literal: true
require 'net/smtp'
module Mail_
  HOST = ENV.fetch('HOST') { 'h' }.freeze
  PORT = Integer(ENV['PORT'] || '25')
  OPTIONS = { host: HOST, 'port' => PORT, :tls => true, **{ a: 1 } }.merge(b: 2).freeze
  class << self; attr_accessor :x; end
end
ActionMailer::Base.smtp_settings = { address: Mail_::HOST, port: Mail_::PORT, authentication: 'plain', enable_starttls_auto: !ENV['TLS'].nil?, openssl_verify_mode: OpenSSL::SSL::VERIFY_PEER }
ActionMailer::Base.delivery_method = :smtp
config.merge!(a: 1); config.x.y ||= 'z'; config[:k][:l] = %w(m n); config.settings = YAML.load_file('x')
a = case b when 1 then 'c' when 2, 3 then 'd' else 'e' end
unless a then f = 1 else f = 2 end
g = 5 if h
i = <<~TEXT
  line #{a}
TEXT
j, k = 1, [2, 3]; l = *m; n += 1; o = -5; p = !true; q = nil; r = 1.5; s = 1_000; t = 0x1f; u = :"sym bol"; v = /re/i; w = `ls`; x = ?c; y = (1..2); z = a ? 'b' : 'b'
begin; aa = 1; rescue StandardError => e; aa = 2; ensure; bb = 3; end
while false; cc = 1; end; until true; dd = 2; end; for ee in [1] do; ff = 3; end
def method(arg, opt = 'd', *rest, key: 'k', &block); @ivar = 'i'; @@cvar = 'c'; $g = 'g'; return 5; end
smtp = Net::SMTP.new('h', 587); smtp.enable_starttls_auto; smtp.start('helo', ENV['U'], ENV.fetch('P', 'p'), :login) { |s| s.send_message 'x', 'y', 'z' }
gg = ENV['TRUE'] == 'true' ? true : false; hh = %w[1 true].include?(ENV.fetch('B', '0')); ii = ENV.key?('K'); jj = "a" "b" 'c'; kk = "x".to_sym; ll = "5".to_i; mm = [1, 2].first; nn = { a: { b: 'c' } }.dig(:a, :b); oo = ENV['Y'].presence || 'd'; pp = format('%s:%d', 'h', 5)
->(x) { x }; proc { 1 }; lambda do |q| q end; BEGIN { }; __END__
