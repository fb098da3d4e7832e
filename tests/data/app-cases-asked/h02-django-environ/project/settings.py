import environ

env = environ.Env()
environ.Env.read_env()
EMAIL_CONFIG = env.email_url('EMAIL_URL', default='smtp+tls://username@gmail.com:password@smtp.gmail.com:587')
vars().update(EMAIL_CONFIG)
