# Sends mail through Ruby's mail gem: one JSON object a line in and out, as `python_mail.py`.
require 'json'
require 'mail'

if ARGV[0] == 'version'
  puts Mail::VERSION.version
  exit
end

def option(value)
  value.is_a?(String) && value.start_with?(':') ? value[1..].to_sym : value
end

$stdin.each_line do |line|
  known = JSON.parse(line)
  error = ''
  begin
    options = known['options'].to_h { |name, value| [name.to_sym, option(value)] }
    place = { address: known['host'], port: known['port'], domain: 'localhost' }
    login = { user_name: known['id'], password: 'secret', open_timeout: 10, read_timeout: 10 }
    mail = Mail.new(from: "#{known['id']}@example.test", to: 'somebody@example.test', subject: 'x', body: 'x')
    mail.delivery_method(:smtp, **place, **login, **options)
    mail.deliver!
  rescue StandardError, OpenSSL::SSL::SSLError => e
    error = "#{e.class}: #{e.message}"
  end
  puts JSON.generate(id: known['id'], error: error.encode('UTF-8', invalid: :replace, undef: :replace))
  $stdout.flush
end
