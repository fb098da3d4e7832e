from flask import Flask
from flask_mail import Mail

app = Flask(__name__)
app.config['MAIL_SERVER'] = 'smtp.gmail.com'
app.config['MAIL_PORT'] = 587
app.config['MAIL_USE_TLS'] = True
app.config['MAIL_USE_SSL'] = False
app.config['MAIL_USERNAME'] = 'shopcart.notify@gmail.com'
app.config['MAIL_PASSWORD'] = 'hgfd wqtx xtkx ndak'
app.config['MAIL_DEFAULT_SENDER'] = 'shopcart.notify@gmail.com'
mail = Mail(app)
