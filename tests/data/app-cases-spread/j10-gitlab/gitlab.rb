external_url 'https://git.example.ru'
# Для полного отключения работы с почтой.
gitlab_rails['gitlab_email_enabled'] = false
# Настройка Yandex SMTP.
gitlab_rails['smtp_enable'] = true
gitlab_rails['smtp_address'] = "smtp.yandex.ru"
gitlab_rails['smtp_port'] = 465
gitlab_rails['smtp_user_name'] = "git@example.ru"
gitlab_rails['smtp_password'] = "ahquaelahd7Aeth0"
gitlab_rails['smtp_domain'] = "example.ru"
gitlab_rails['gitlab_email_from'] = "git@example.ru"
gitlab_rails['smtp_authentication'] = "login"
gitlab_rails['smtp_tls'] = true
gitlab_rails['smtp_enable_starttls_auto'] = false
gitlab_rails['smtp_openssl_verify_mode'] = 'peer'
