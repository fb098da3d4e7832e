gitlab_rails['smtp_address'] = "smtp.x"
external_url 'http://x'
Rails.application.configure do
  config.action_mailer.delivery_method = :smtp
  config.action_mailer.smtp_settings = { address: ENV["A"], :port => ENV.fetch("P", 587).to_i, "x" => nil, 'y': true, "z": !foo, domain:, tls: ENV["T"] == "true" }
  config.x = ENV.fetch("P") { 587 }
  ActionMailer::Base.smtp_settings[:a] = "a#{config.x}c" "d"
  Rails.application.config.action_mailer.perform_deliveries = false unless ENV['Z'].present?
end
Mail.defaults do
  delivery_method :smtp, address: 'h', port: -1
  retriever_method :pop3, { :address => "x" }
end
Y = %w[a b].freeze; Z = %q(a b)
if ENV['X'].present? then a = 1 elsif b then a = 2 else a = 3 end
class M < N; HOST='x'; default from: "a@#{HOST}"; def f; smtp.enable_starttls; starttls; end; end
x= a.presence || 'b'; x = %w(1 true).include?(ENV['X']); q=ActiveModel::Type::Boolean.new.cast(ENV["X"])
v = OpenSSL::SSL::VERIFY_NONE
Net::SMTP.start('h', 587, 'helo', 'u', 'p', :plain)
