Rails.application.configure do
  config.action_mailer.delivery_method = :smtp
  config.action_mailer.smtp_settings = {
    address:              'smtp.gmail.com',
    port:                 587,
    domain:               'tracker.example',
    user_name:            Rails.application.credentials.dig(:gmail, :username),
    password:             Rails.application.credentials.dig(:gmail, :password),
    authentication:       'plain',
    enable_starttls_auto: true,
    open_timeout:         10,
    read_timeout:         10,
    :ssl                  => :none,
    :tls                  => true }
end
