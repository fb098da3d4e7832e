EMAIL_BACKEND = 'django.core.mail.backends.smtp.EmailBackend'
EMAIL_HOST = 'mail.example.org'
EMAIL_PORT = 465
EMAIL_USE_TLS = True
EMAIL_HOST_USER = 'booking@example.org'
EMAIL_HOST_PASSWORD = 'hT4-kpw9-Zx2'
DEFAULT_FROM_EMAIL = 'booking@example.org'
