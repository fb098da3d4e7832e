import os
from flask import Flask
from flask_mail import Mail

app = Flask(__name__)
YOUR_DOMAIN = os.getenv("DOMAIN_URL", "https://saas.example")

# Configurações Mail Namecheap
app.config['MAIL_SERVER'] = 'mail.privateemail.com'
app.config['MAIL_PORT'] = 465
app.config['MAIL_USE_SSL'] = True
app.config['MAIL_USERNAME'] = 'contact@loja.example'
app.config['MAIL_PASSWORD'] = '@@Vendendo2026'
app.config['MAIL_DEFAULT_SENDER'] = 'contact@loja.example'
mail = Mail(app)
