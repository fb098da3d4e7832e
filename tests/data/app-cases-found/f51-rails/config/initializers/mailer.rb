ActionMailer::Base.delivery_method = :smtp
ActionMailer::Base.smtp_settings = {
  :address                => "mail.domain.example",
  :port                   => "465",
  :domain                 => "domain.example",
  :authentication         => :plain,
  :enable_starttls_auto   => true,
  :openssl_verify_mode    => "none",
  :user_name              => "notifier@domain.example",
  :password               => "password"
}
