"""The desk of a software service as data: its files hang together, and its brain understands what it has never read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from caseward.adapters import find
from caseward.adapters.brains.local import LocalBrain
from caseward.core.facts import FactKind
from caseward.core.pack import Golden, Intent
from caseward.core.policy import decide
from caseward.core.signals import Detectors
from caseward.core.text import normalise, sentences
from caseward.packs import check, samples
from caseward.packs.load import load

FOLDER = Path(__file__).parents[3] / "packs" / "saas-oncall"
PACK = load(FOLDER)
LANGUAGES = {"en", "es"}
GRAVE = ("credit", "data", "cancel", "security", "second_factor")
"""Intents that people decide about, whatever a page says of them."""
MAY_CLAIM = {
    *("credit-granted", "credit-given-before", "downgrade-done", "invoice-resent", "plan-free", "plan-summary"),
    *("recovery-started", "seat-added", "upgrade-done"),
}
"""Templates used only on a result or a reading that bears them out."""
OF_AN_ACCOUNT = {
    *("account_name", "credit_amount", "invoice_amount", "invoice_email", "invoice_id", "monthly_amount", "name"),
    *("calls_used", "calls_limit", "storage_used", "registered_email", "seats_paid", "seat_amount", "plan_name"),
}
"""Places that nobody unproven is ever shown."""
COURTESIES = {
    *("acknowledgement", "greeting", "thanks", "closing", "reopened", "declined", "degraded", "stalled"),
    *("person-takes-over", "identity-request", "identity-mismatch", "identity-locked", "faq-answer"),
    *("incident-received", "contract-received", "access-received", "recovery-received", "credit-received"),
    *("data-received", "closing-received", "security-received", "complaint-received"),
    *("status-ok", "status-investigating", "status-identified", "status-monitoring"),
}
"""Templates that may go to somebody unproven."""

MESSAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "faq": {
        "en": (
            "Which browsers can we use with your application?",
            "What would a Team licence set us back each month?",
            "If we moved down a plan, when would that come into force?",
            "Is there any reward for people who find bugs in your security?",
            "Where in the world do you keep customers' information?",
            "How fast does your team normally answer on the Team plan?",
            "Can charges go on a company credit card?",
            "What does Enterprise give us that Team doesn't?",
            "Does every integration need a separate API key?",
            "How long do you retain backups?",
            "Can we import projects from our old tool?",
            "Do members see what we are billed?",
            "How would I get a webhook delivery re-sent?",
            "Is my password visible to your staff?",
            "Are prices shown with VAT?",
            "What do recovery codes do?",
        ),
        "es": (
            "¿Con qué navegadores se puede usar la aplicación?",
            "¿Qué cuesta al mes una licencia de Team?",
            "¿Cuándo entra en vigor una bajada de plan?",
            "¿Hay algún premio para quien encuentra errores de seguridad?",
            "¿En qué parte del mundo guardáis la información de los clientes?",
            "¿Cuánto tarda normalmente el soporte en contestar en el plan Team?",
            "¿Se puede pagar con la tarjeta de la empresa?",
            "¿Qué da Enterprise que no tenga Team?",
            "¿Cada integración necesita su propia clave de API?",
            "¿Cuánto tiempo conserváis las copias de seguridad?",
            "¿Podemos importar proyectos de nuestra herramienta antigua?",
            "¿Los miembros ven lo que se nos factura?",
            "¿Cómo consigo que se reenvíe una entrega de webhook?",
            "¿Vuestro personal puede ver mi contraseña?",
            "¿Los precios llevan IVA?",
            "¿Para qué sirven los códigos de recuperación?",
        ),
    },
    "status": {
        "en": (
            "Hi, is your api having trouble at this moment?",
            "Are there any open incidents for us-1?",
            "Is the platform up right now?",
            "Has that outage been fixed by now?",
            "is it down for everyone",
            "Anything broken on your side today?",
            "Is ap-1 healthy?",
            "What's the state of the current outage?",
            "Is something up with eu-1 right now?",
            "Are you aware of any outage at present?",
            "Do you have an outage going on?",
            "How's us-1 doing at the moment?",
        ),
        "es": (
            "Hola, ¿tiene problemas la api en este momento?",
            "¿Hay incidencias abiertas en us-1?",
            "¿Está en marcha la plataforma ahora?",
            "¿Ya se ha arreglado esa caída?",
            "está caído para todos?",
            "¿Se ha roto algo hoy por vuestra parte?",
            "¿Está bien ap-1?",
            "¿Cómo va la caída actual?",
            "¿Pasa algo ahora con eu-1?",
            "¿Os consta alguna caída en este momento?",
            "¿Tenéis una caída en curso?",
            "¿Cómo está us-1 en este momento?",
        ),
    },
    "incident": {
        "en": (
            "Since lunch every call we make ends in a 500.",
            "Our users are getting a white screen after signing in.",
            "We're seeing lots of gateway timeouts from your endpoint.",
            "The nightly export job has been hanging since 2 am.",
            "Nobody here can open the dashboard, it just errors.",
            "Our checkout fails because your API answers 503.",
            "Reports haven't been generated since Friday.",
            "The app freezes whenever someone opens a chart.",
            "We keep receiving error 502 when we post data.",
            "Search has been empty for all of us since this morning.",
            "Uploading files has failed for our whole team since 8.",
            "The login page returns error 500 to our staff.",
        ),
        "es": (
            "Desde la comida todas nuestras llamadas acaban en un 500.",
            "Nuestros usuarios ven una pantalla en blanco después de entrar.",
            "Vemos muchos timeouts de vuestro endpoint.",
            "El trabajo de exportación nocturno está colgado desde las 2.",
            "Aquí nadie puede abrir el panel, da error.",
            "Nuestro pago falla porque vuestra API responde 503.",
            "Los informes no se generan desde el viernes.",
            "La aplicación se congela cuando alguien abre un gráfico.",
            "Recibimos error 502 una y otra vez al enviar datos.",
            "La búsqueda sale vacía para todos nosotros desde esta mañana.",
            "Subir ficheros falla a todo el equipo desde las 8.",
            "La página de acceso devuelve error 500 a nuestra gente.",
        ),
    },
    "plan": {
        "en": (
            "Could you tell me which plan our company is on?",
            "When's the renewal of our subscription?",
            "How many paid seats do we have right now?",
            "What are we paying you per month?",
            "Remind me what subscription we hold.",
            "On what date do we renew?",
            "Is our account Team or Enterprise?",
            "What did we sign up for, Team or something else?",
            "How much is our subscription at the moment?",
            "Can you check what plan my company has?",
            "When does our next billing period start?",
        ),
        "es": (
            "¿Me podéis decir en qué plan está nuestra empresa?",
            "¿Cuándo se renueva la suscripción que tenemos?",
            "¿Cuántos usuarios de pago tenemos ahora?",
            "¿Cuánto os pagamos cada mes?",
            "Recuérdame qué suscripción tenemos.",
            "¿En qué fecha renovamos?",
            "¿Nuestra cuenta es Team o Enterprise?",
            "¿Qué contratamos, Team u otra cosa?",
            "¿Cuánto cuesta ahora nuestra suscripción?",
            "¿Puedes mirar qué plan tiene mi empresa?",
            "¿Cuándo empieza nuestro siguiente periodo de facturación?",
        ),
    },
    "usage": {
        "en": (
            "How many of our monthly calls are gone already?",
            "How close are we to the storage limit?",
            "What has our account consumed in this period?",
            "Do we have any quota left this month?",
            "What's left of our API quota?",
            "Show me how much storage we've filled.",
            "How many requests have we sent this month?",
            "Tell me our call count for this month.",
            "Are we about to run out of storage?",
            "How many calls are left for us this month?",
            "What's our storage usage?",
        ),
        "es": (
            "¿Cuántas llamadas del mes hemos gastado ya?",
            "¿Cuánto nos falta para el límite de almacenamiento?",
            "¿Qué ha consumido nuestra cuenta en este periodo?",
            "¿Nos queda cuota este mes?",
            "¿Qué nos queda de cuota de API?",
            "Enséñame cuánto almacenamiento hemos llenado.",
            "¿Cuántas peticiones hemos enviado este mes?",
            "Dime cuántas llamadas llevamos este mes.",
            "¿Estamos a punto de quedarnos sin almacenamiento?",
            "¿Cuántas llamadas nos quedan este mes?",
            "¿Cuál es nuestro uso de almacenamiento?",
        ),
    },
    "invoice": {
        "en": (
            "Could you mail me our latest invoice once again?",
            "We never got the bill for this month.",
            "Our bookkeeper wants a copy of invoice INV-2026-0008.",
            "Has our last invoice been paid?",
            "Please resend the October invoice.",
            "I need our most recent receipt as a PDF.",
            "Accounting is missing the last bill.",
            "Finance asks for last month's invoice again.",
            "Where can our invoice be, it isn't in our inbox?",
            "Please send me the latest invoice.",
            "I can't locate our invoice, send it again please.",
        ),
        "es": (
            "¿Me podéis mandar otra vez nuestra última factura?",
            "No nos llegó la factura de este mes.",
            "Nuestra contable quiere una copia de la factura INV-2026-0008.",
            "¿Está pagada la última factura nuestra?",
            "Reenviad la factura de octubre, por favor.",
            "Necesito nuestro recibo más reciente en PDF.",
            "A contabilidad le falta la última factura.",
            "Finanzas pide otra vez la factura del mes pasado.",
            "¿Dónde estará nuestra factura? No está en el buzón.",
            "Mandadme la última factura, por favor.",
            "No localizo nuestra factura, enviadla otra vez por favor.",
        ),
    },
    "upgrade": {
        "en": (
            "Please put our account on Team as of now.",
            "We'd like to go from Free up to Team.",
            "Upgrade our workspace to the paid plan, please.",
            "We need a bigger plan, can you switch us?",
            "Switch our account over to Team, please.",
            "We'd love to upgrade today.",
            "Please activate Team for us.",
            "Time for us to get the Team plan, please arrange it.",
            "Could you raise us to the next tier?",
            "I want to upgrade our account to Team.",
            "Please move us up to the paid plan today.",
        ),
        "es": (
            "Poned nuestra cuenta en Team desde ahora, por favor.",
            "Nos gustaría subir de Free a Team.",
            "Mejorad nuestro espacio al plan de pago, por favor.",
            "Necesitamos un plan más grande, ¿nos cambiáis?",
            "Cambiad nuestra cuenta a Team, por favor.",
            "Nos encantaría subir de plan hoy.",
            "Activadnos Team, por favor.",
            "Ya nos toca el plan Team, gestionadlo por favor.",
            "¿Nos podéis pasar al siguiente nivel?",
            "Quiero pasar nuestra cuenta a Team.",
            "Subidnos hoy al plan de pago, por favor.",
        ),
    },
    "downgrade": {
        "en": (
            "Please take our account back to Free.",
            "We want a smaller plan from next period on.",
            "Could you downgrade our workspace?",
            "Team is too much for us, move us down to free.",
            "Please step us down to the free tier.",
            "We want to downgrade at the end of this period.",
            "Put us on a cheaper plan.",
            "We'd rather have the smaller plan again.",
            "Please lower us to Free when the month ends.",
            "I want to downgrade our account to Free.",
            "Please reduce our plan from next month.",
        ),
        "es": (
            "Devolved nuestra cuenta a Free, por favor.",
            "Queremos un plan menor a partir del próximo periodo.",
            "¿Podéis bajar de plan nuestro espacio?",
            "Team es demasiado para nosotros, bajadnos a free.",
            "Bajadnos al nivel gratuito, por favor.",
            "Queremos bajar de plan al final del periodo.",
            "Ponednos un plan más barato.",
            "Preferimos volver al plan menor.",
            "Bajadnos a Free cuando acabe el mes, por favor.",
            "Quiero bajar nuestra cuenta a Free.",
            "Reducid nuestro plan desde el mes que viene, por favor.",
        ),
    },
    "seat": {
        "en": (
            "Could we have an extra seat for a new hire?",
            "Please put one more user on our plan.",
            "I'd like to buy another licence for my teammate.",
            "add one licence pls",
            "One additional user, please.",
            "A colleague joins us tomorrow, can we get another seat?",
            "Please expand our plan by one licence.",
            "We took on a new designer and require a further licence.",
            "Please raise our user count by one.",
            "Please add two more seats to our account.",
            "We need a licence for a new employee.",
        ),
        "es": (
            "¿Nos dais un usuario extra para una incorporación nueva?",
            "Poned un usuario más en nuestro plan, por favor.",
            "Quiero comprar otra licencia para mi compañero.",
            "añadid una licencia porfa",
            "Un usuario adicional, por favor.",
            "Mañana entra una compañera, ¿nos dais otra plaza?",
            "Ampliad nuestro plan con una licencia.",
            "Hemos incorporado a una diseñadora y hace falta otra licencia.",
            "Subid en uno nuestro número de usuarios, por favor.",
            "Añadid dos usuarios más a nuestra cuenta, por favor.",
            "Necesitamos una licencia para una empleada nueva.",
        ),
    },
    "access": {
        "en": (
            "Please give Tom admin permissions.",
            "Signing in through our company's SSO throws an error.",
            "Can you take away the access of a colleague who left?",
            "I want to be the owner of our workspace.",
            "Can you make Anna administrator of our account?",
            "Our SAML login has stopped accepting us.",
            "Please remove Pete's access, he no longer works here.",
            "I should be an admin but the system says member, fix it.",
            "After switching to Entra our people can't use SSO.",
            "Please make me an admin of our account.",
            "SSO login fails for everyone in our company.",
        ),
        "es": (
            "Dad permisos de administrador a Tom, por favor.",
            "Al entrar por el SSO de la empresa sale un error.",
            "¿Podéis quitar el acceso de una compañera que se fue?",
            "Quiero ser propietario de nuestro espacio de trabajo.",
            "¿Podéis hacer a Ana administradora de nuestra cuenta?",
            "Nuestro login SAML ha dejado de aceptarnos.",
            "Quitad el acceso a Pedro, ya no trabaja aquí.",
            "Debería ser administrador pero pone miembro, arregladlo.",
            "Desde que pasamos a Entra nuestra gente no puede usar el SSO.",
            "Hacedme administrador de nuestra cuenta, por favor.",
            "El login por SSO falla a toda la empresa.",
        ),
    },
    "second_factor": {
        "en": (
            "My phone was stolen and the authenticator was on it.",
            "Could you turn off 2FA for me, I have a new mobile and no codes.",
            "I've misplaced my security key and I'm locked out.",
            "The app with my login codes is gone, please help me in.",
            "My authenticator vanished with my old phone.",
            "Please remove the two-step login from my user.",
            "I no longer own the phone that shows the codes.",
            "My YubiKey fell into the sea.",
            "New handset, old authenticator, no way in any more.",
            "I've lost the phone with my authenticator.",
            "Can you switch 2FA off for me? I have no codes.",
        ),
        "es": (
            "Me robaron el móvil y ahí tenía el autenticador.",
            "¿Me quitáis el 2FA? Tengo móvil nuevo y ningún código.",
            "He extraviado mi llave de seguridad y me he quedado fuera.",
            "Se me borró la app de los códigos, ayudadme a entrar.",
            "Mi autenticador desapareció con el móvil viejo.",
            "Quitad el acceso en dos pasos de mi usuario, por favor.",
            "Ya no tengo el teléfono que muestra los códigos.",
            "Mi YubiKey se cayó al mar.",
            "Móvil nuevo, autenticador viejo, ya no puedo entrar.",
            "He perdido el teléfono con el autenticador.",
            "¿Podéis quitarme el 2FA? No tengo códigos.",
        ),
    },
    "credit": {
        "en": (
            "You were offline for five hours, we'd like that credited.",
            "I am claiming the SLA credit for last Tuesday.",
            "Please give us something back for the downtime.",
            "We want compensation for Monday's incident.",
            "Can I get a refund for the month with the outage?",
            "Kindly apply the outage credit to our account.",
            "For three hours we had nothing; we expect a refund.",
            "We're claiming our SLA credit for October.",
            "After Sunday's downtime I expect a service credit.",
            "Please give us a credit for last night's outage.",
            "We'd like compensation for the downtime.",
        ),
        "es": (
            "Estuvisteis cinco horas fuera de servicio, queremos el abono.",
            "Reclamo el abono del SLA del martes pasado.",
            "Devolvednos algo por el tiempo de caída, por favor.",
            "Queremos una compensación por la incidencia del lunes.",
            "¿Me podéis reembolsar el mes de la caída?",
            "Aplicad el abono por la caída en nuestra cuenta, por favor.",
            "Estuvimos tres horas sin nada; esperamos un reembolso.",
            "Reclamamos nuestro abono del SLA de octubre.",
            "Tras la caída del domingo espero un abono.",
            "Dadnos un abono por la caída de anoche, por favor.",
            "Queremos una compensación por la caída.",
        ),
    },
    "data": {
        "en": (
            "Get rid of every record you have on us.",
            "I'd like a complete copy of all our data.",
            "Erase my profile and all personal information.",
            "Under the GDPR I ask what you store about me.",
            "Remove all of our records from your databases.",
            "Send a full export of our account's data.",
            "I invoke my right to be forgotten.",
            "Every trace of us has to be erased, please.",
            "Hand me a dump of all information in our account.",
            "Please delete my account's data.",
            "Send me everything you store about me.",
        ),
        "es": (
            "Borrad todos los registros que tengáis de nosotros.",
            "Quiero una copia completa de todos nuestros datos.",
            "Eliminad mi perfil y toda mi información personal.",
            "Según el RGPD pregunto qué guardáis sobre mí.",
            "Quitad todos nuestros registros de vuestras bases de datos.",
            "Enviad una exportación completa de los datos de la cuenta.",
            "Ejerzo mi derecho al olvido.",
            "Hay que borrar todo rastro nuestro, por favor.",
            "Dadme un volcado de toda la información de nuestra cuenta.",
            "Borrad los datos de mi cuenta, por favor.",
            "Enviadme todo lo que guardáis sobre mí.",
        ),
    },
    "cancel": {
        "en": (
            "We've decided to end our contract with you.",
            "Please shut down our account for good.",
            "I'd like to cancel our subscription, thanks.",
            "Consider this our notice, we are leaving.",
            "We don't want to go on, please end our subscription.",
            "Terminate the agreement as of today.",
            "Kindly close our workspace and account.",
            "Our contract with you ends here, please confirm.",
            "Please terminate our subscription.",
            "I want to close my account.",
        ),
        "es": (
            "Hemos decidido terminar nuestro contrato con vosotros.",
            "Cerrad nuestra cuenta definitivamente, por favor.",
            "Me gustaría cancelar nuestra suscripción, gracias.",
            "Considerad esto nuestra baja, nos vamos.",
            "No queremos seguir, terminad nuestra suscripción.",
            "Rescindid el acuerdo desde hoy.",
            "Cerrad nuestro espacio y la cuenta, por favor.",
            "Nuestro contrato con vosotros acaba aquí, confirmadlo.",
            "Eliminad nuestra suscripción.",
            "Terminad nuestra suscripción, por favor.",
            "Quiero cerrar mi cuenta.",
        ),
    },
    "security": {
        "en": (
            "By changing the id in the URL I get to see another company's projects.",
            "I believe someone got into our account last night.",
            "There's a stored XSS in your comment field.",
            "One of our API tokens ended up on a public repository.",
            "We noticed sign-ins from a country where nobody of us works.",
            "Your password reset can be abused to take over accounts.",
            "I can download attachments of other customers without logging in.",
            "Someone is using our API key from abroad.",
            "Your endpoint hands out tokens to whoever asks.",
            "We were phished and somebody has our admin login.",
            "Your API leaks data of other tenants.",
            "I found a bug that lets me log in as anybody.",
        ),
        "es": (
            "Cambiando el id en la URL veo proyectos de otra empresa.",
            "Creo que anoche alguien entró en nuestra cuenta.",
            "Hay un XSS almacenado en el campo de comentarios.",
            "Uno de nuestros tokens de API acabó en un repositorio público.",
            "Hemos visto accesos desde un país donde no trabaja nadie nuestro.",
            "Vuestro restablecimiento de contraseña permite robar cuentas.",
            "Puedo descargar adjuntos de otros clientes sin iniciar sesión.",
            "Alguien usa nuestra clave de API desde el extranjero.",
            "Vuestro endpoint entrega tokens a quien los pida.",
            "Nos hicieron phishing y alguien tiene nuestro login de administrador.",
            "Vuestra API filtra datos de otros clientes.",
            "He encontrado un fallo que me deja entrar como cualquiera.",
        ),
    },
    "complaint": {
        "en": (
            "Frankly, your support has been a nightmare.",
            "I have waited nine days for a reply, that's not acceptable.",
            "We are really unhappy with how often things break.",
            "I wish to lodge a complaint about your colleague.",
            "This experience has been dreadful.",
            "You keep ignoring our tickets.",
            "I'm fed up with the endless bugs.",
            "I'm appalled by the way you treat paying customers.",
            "Another week, another failure; we are not amused.",
            "Your customer service is really bad.",
            "I'm not happy with your product at all.",
        ),
        "es": (
            "Francamente, vuestro soporte ha sido una pesadilla.",
            "Llevo nueve días esperando respuesta, no es aceptable.",
            "Estamos muy descontentos con tantos fallos.",
            "Quiero presentar una queja sobre vuestro compañero.",
            "La experiencia ha sido nefasta.",
            "Seguís ignorando nuestros tickets.",
            "Estoy harta de tantos fallos sin fin.",
            "Me indigna cómo tratáis a clientes que pagan.",
            "Otra semana, otro fallo; no nos hace gracia.",
            "Vuestra atención al cliente es muy mala.",
            "No estoy nada contento con vuestro producto.",
        ),
    },
    "other": {
        "en": (
            "qwertz uiop",
            "Do you fancy a coffee some time?",
            "Who painted the Mona Lisa?",
            "We offer cleaning services for offices.",
            "blah blah",
            "Would you like to sponsor our marathon?",
            "How old is the universe?",
            "Have a nice weekend everyone",
            "Which film should I watch tonight?",
            "what's for lunch",
            "We'd like to sell you insurance.",
        ),
        "es": (
            "qwertz uiop ñ",
            "¿Quién pintó la Gioconda?",
            "Ofrecemos servicios de limpieza para oficinas.",
            "cuéntame algo divertido",
            "bla bla bla",
            "¿Queréis patrocinar nuestro maratón?",
            "¿Qué edad tiene el universo?",
            "Que paséis buen fin de semana",
            "¿Qué película veo esta noche?",
            "qué hay de comer",
            "Queremos ofreceros un seguro.",
        ),
    },
}
"""Messages by what they mean and their language. None of them stands in the pack."""
WISHES: dict[str, tuple[str, ...]] = {
    "credit": (
        "I read your SLA page and want my credit now.",
        "How do credits work? Anyway, please credit us for the outage.",
        "Refund us.",
        "Can we have our money back for the downtime?",
        "Quiero que me devolváis el dinero de la caída.",
        "¿Cómo va lo de los abonos? Abonadnos la caída del lunes.",
        "Solicitamos el abono previsto en el SLA.",
        "We're entitled to 10 percent, please apply it.",
    ),
    "data": (
        "What is your deletion policy? Please delete all our data.",
        "I demand that you erase everything about me.",
        "Wipe our workspace, thanks.",
        "Necesito que borréis todos mis datos.",
        "¿Qué datos tenéis sobre mí? Enviádmelos.",
        "Send me all the data that you hold about me.",
    ),
    "cancel": (
        "Please cancel our subscription today.",
        "What's the notice period? We want to cancel.",
        "Close our account immediately.",
        "Cerrad la cuenta hoy mismo.",
        "Queremos darnos de baja ya.",
    ),
    "security": (
        "I think I found a security hole, where do I send it?",
        "Do you have a bug bounty? I found an SQL injection in your search.",
        "Our admin password leaked.",
        "He encontrado una vulnerabilidad, ¿tenéis programa de recompensas?",
        "Nos han hackeado la cuenta.",
        "Podemos ver los datos de otro cliente.",
    ),
    "second_factor": (
        "I lost my phone, how does recovery work?",
        "Please disable my two-factor.",
        "My recovery codes are gone and the phone is dead.",
        "He perdido el móvil con los códigos, ¿cómo entro?",
        "Desactivad mi doble factor, por favor.",
    ),
}
"""Requests that a person decides about, some of them put as questions that a page would answer."""
ABOUT = (
    "What is the deadline for asking for a credit?",
    "Who is allowed to ask for service credits?",
    "How is downtime turned into a credit?",
    "Do you have a deletion procedure?",
    "How long do backups keep deleted data?",
    "What's your notice period for closing an account?",
    "Is there a reward programme for security researchers?",
    "What happens if an employee loses their second factor?",
    "Which kinds of second factor do you support?",
    "Can an administrator enforce 2FA?",
    "¿Qué plazo hay para pedir un abono?",
    "¿Quién puede solicitar abonos?",
    "¿Cómo se convierte una caída en un abono?",
    "¿Qué procedimiento tenéis para borrar datos?",
    "¿Qué preaviso hay para cerrar una cuenta?",
    "¿Hay un programa de recompensas de seguridad?",
    "¿Qué pasa si un empleado pierde el segundo factor?",
    "¿Qué tipos de segundo factor hay?",
)
"""Questions about a policy: nobody asks for what it offers."""
PAGES: dict[str, tuple[str, ...]] = {
    "maintenance": (
        "On which weekday do you take the platform down for maintenance?",
        "¿Qué día de la semana hacéis mantenimiento?",
    ),
    "outage-credits": ("What uptime does your SLA commit to?", "¿Qué disponibilidad promete vuestro SLA?"),
    "plans-prices": ("What does the Enterprise plan include?", "¿Qué trae el plan Enterprise?"),
    "plan-changes": ("When does a downgrade start to apply?", "¿Desde cuándo se aplica una bajada?"),
    "seats-roles": (
        "What can an admin do that a member cannot?",
        "¿Qué puede hacer un administrador que un miembro no?",
    ),
    "single-sign-on": (
        "Can we set up SAML with our identity provider?",
        "¿Se puede configurar SAML con nuestro proveedor de identidad?",
    ),
    "two-factor": ("Are passkeys allowed as a second factor?", "¿Se admiten passkeys como segundo factor?"),
    "limits-rates": ("How many calls per second may we send?", "¿Cuántas llamadas por segundo podemos enviar?"),
    "api-keys": ("Where can I generate an API key?", "¿Dónde puedo generar una clave de API?"),
    "webhooks": ("How many times is a failed webhook retried?", "¿Cuántas veces se reintenta un webhook que falla?"),
    "invoices-payment": ("Is it possible to pay by SEPA direct debit?", "¿Es posible pagar por adeudo SEPA?"),
    "data-location": ("Which country are the servers in?", "¿En qué país están vuestros servidores?"),
    "data-deletion": ("In what formats does the export come?", "¿En qué formatos sale la exportación?"),
    "closing-account": ("Can an account be reopened after it was closed?", "¿Se puede reabrir una cuenta cerrada?"),
    "security-disclosure": (
        "Do you run a bug bounty programme?",
        "¿Tenéis un programa de recompensas por errores de seguridad?",
    ),
    "support-hours": ("Is support reachable on weekends?", "¿Hay soporte en fin de semana?"),
    "trial": ("How many days does the free trial last?", "¿Cuántos días dura la prueba gratuita?"),
    "importing": ("Can I upload a CSV to import my data?", "¿Puedo subir un CSV para importar mis datos?"),
    "password-reset": (
        "The link for resetting my password has expired.",
        "El enlace para restablecer mi contraseña ha caducado.",
    ),
    "browser-support": ("Is there an SDK for Go?", "¿Hay un SDK para Go?"),
    "audit-log": ("How far back does the audit log go?", "¿Hasta cuándo llega el registro de auditoría?"),
    "status-page": ("Where do you publish past incidents?", "¿Dónde publicáis las incidencias pasadas?"),
}
"""Questions that one page answers."""
NO_PAGE = (
    "Can it print to a fax machine?",
    "Do you ship hardware to Canada?",
    "Who designed your logo?",
    "¿Vendéis camisetas de la empresa?",
    "¿Puede enviar faxes?",
    "Is your office wheelchair accessible?",
    "What is your stock symbol?",
    "¿Cuántos empleados sois?",
)
"""Questions that no page answers."""

ALL = [(intent, language, text) for intent, each in MESSAGES.items() for language, ts in each.items() for text in ts]


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def matching(patterns: Mapping[str, tuple[str, ...]], text: str) -> list[str]:
    plain = normalise(text)
    return [pattern for each in patterns.values() for pattern in each if re.search(pattern, plain)]


def bare(text: str) -> str:
    return re.sub(r"\W+", " ", normalise(text)).strip()


@pytest.fixture(scope="module")
def brain() -> LocalBrain:
    """The local brain, trained on this pack alone."""
    return LocalBrain(PACK)


# --- the files --------------------------------------------------------------------------------------------------------


def test_the_pack_is_proved_fit_to_be_served() -> None:
    report = check.check(FOLDER, skills=find.skill_names(("records",)), today=date(2026, 11, 21))

    assert [str(error) for error in report.errors] == []
    assert [str(warning) for warning in report.warnings] == []
    assert [proof.name for proof in report.proofs if not proof.holds] == []


def test_every_kind_of_fact_is_made_use_of() -> None:
    assert {spec.kind for spec in PACK.policy.facts.values()} == set(FactKind)
    assert {name for rule in PACK.policy.rules for name in rule.when.names()} == set(PACK.policy.facts)


@pytest.mark.parametrize("case", PACK.golden, ids=lambda case: case.case)
def test_the_rules_decide_every_golden_case_as_expected(case: Golden) -> None:
    policy = replace(PACK.policy, phase=case.phase or PACK.policy.phase, topology=case.topology or PACK.policy.topology)

    assert case.differs(decide(policy, case.facts)) == []


@pytest.mark.parametrize("case", [case for case in PACK.golden if case.text], ids=lambda case: case.case)
def test_a_text_to_try_by_hand_means_what_its_facts_say(case: Golden, brain: LocalBrain) -> None:
    seen = brain.understand(case.text)
    detected = Detectors(PACK.signals, PACK.profile.languages).detect(sentences(case.text))

    assert {each.fact for each in detected.fired if each.fact} == {
        name for name, value in case.facts.items() if value is True and name in {s.fact for s in PACK.signals}
    }
    assert seen.intent == case.facts["intent"]
    assert PACK.intents[seen.intent].transactional is case.facts["transactional"]


def test_there_are_enough_cases_in_every_phase_and_topology() -> None:
    settings = Counter((case.phase or PACK.policy.phase, case.topology or PACK.policy.topology) for case in PACK.golden)

    assert len(PACK.golden) >= 150
    assert len({case.case for case in PACK.golden}) == len(PACK.golden)
    assert {setting for setting, count in settings.items() if count >= 2} == {
        (phase, topology) for phase in ("pilot", "hardening", "production") for topology in ("hub", "empowered")
    }


@pytest.mark.parametrize("name", sorted(PACK.templates))
def test_a_template_keeps_to_the_voice_in_both_languages(name: str) -> None:
    template = PACK.templates[name]

    assert set(template.text) == LANGUAGES
    assert [matching(PACK.voice.forbidden, text) for text in template.text.values()] == [[], []]
    assert max(map(len, template.text.values())) <= PACK.voice.max_chars


@pytest.mark.parametrize("name", sorted(PACK.templates))
def test_only_what_a_result_bears_out_claims_that_something_was_done(name: str) -> None:
    claims = {language for language, text in PACK.templates[name].text.items() if matching(PACK.voice.promises, text)}

    assert not claims or name in MAY_CLAIM


@pytest.mark.parametrize("name", sorted(COURTESIES))
def test_what_a_stranger_may_be_sent_holds_nothing_of_an_account(name: str) -> None:
    assert [places(text) & OF_AN_ACCOUNT for text in PACK.template(name).text.values()] == [set(), set()]


@pytest.mark.parametrize("name", sorted(PACK.templates))
def test_a_template_brings_no_figures_of_its_own(name: str) -> None:
    assert [re.findall(r"\d", text) for text in PACK.templates[name].text.values()] == [[], []]


@pytest.mark.parametrize(
    "broken",
    [
        "We guarantee that it works.",
        "It will be back up in ten minutes.",
        "We believe that your account was hacked.",
        "The root cause is a database.",
        "We'll credit you.",
        "That was your mistake.",
        "Great!",
        "Te compensaremos.",
        "Lo arreglamos lo antes posible.",
        "Probablemente fue una brecha.",
        "Fue por tu culpa.",
        "¡Gracias!",
    ],
)
def test_the_voice_forbids_promises_guesses_and_blame(broken: str) -> None:
    assert matching(PACK.voice.forbidden, broken)


@pytest.mark.parametrize(
    "claim",
    ["The incident is resolved.", "We have credited your account.", "Everything is back.", "Hemos borrado los datos.",
     "La incidencia está resuelta.", "Tu acceso ha sido restablecido."],
)  # fmt: skip
def test_the_voice_knows_a_claim_when_it_sees_one(claim: str) -> None:
    assert matching(PACK.voice.promises, claim)


@pytest.mark.parametrize("article", PACK.articles.values(), ids=lambda article: article.id)
def test_published_answers_pass_the_voice_and_fit_into_a_reply(article: Any) -> None:
    for text in article.answer.values():
        assert matching(PACK.voice.forbidden, text) == []
        assert matching(PACK.voice.promises, text) == []
        assert len(text) <= PACK.voice.max_chars


def test_there_are_pages_enough_and_each_is_asked_for_in_both_languages() -> None:
    published = [page for page in PACK.articles.values() if page.status == "published"]

    assert len(published) >= 15
    assert {page.status for page in PACK.articles.values()} == {"published", "draft", "retired"}
    assert [page.id for page in published if min(len(page.asked_as.get(each, ())) for each in LANGUAGES) < 10] == []


def test_every_task_has_a_key_of_what_it_is_about_a_summary_and_words_for_failure() -> None:
    tasks = [plan for intent in PACK.intents.values() for plan in intent.plans if plan.task]

    assert {plan.task for plan in tasks} == {name for name, skill in PACK.skills.items() if skill.writes is not None}
    for plan in tasks:
        assert places(plan.key)
        assert plan.summary
        assert plan.failed


@pytest.mark.parametrize("intent", PACK.intents.values(), ids=lambda intent: intent.id)
def test_every_matter_is_known_to_the_rules_and_taught_to_the_brain(intent: Intent) -> None:
    assert intent.id in PACK.policy.facts["intent"].values
    assert min(len(intent.asked_as[language]) for language in LANGUAGES) >= 20


# --- the sample records -----------------------------------------------------------------------------------------------


def rows(kind: str) -> tuple[Mapping[str, Any], ...]:
    return PACK.records[kind]


def test_the_sample_people_are_many_distinct_and_clearly_invented() -> None:
    people = rows("person")

    assert len(people) >= 20
    assert len({each["email"] for each in people}) == len({each["phone"] for each in people}) == len(people)
    for each in people:
        assert re.search(r"@example\.(com|org|net)$", each["email"])
        assert each["name"].split()[-1] in {
            *("Sample", "Example", "Demo", "Placeholder", "Ejemplo", "Muestra", "Prueba", "Ficticia", "Fictiva"),
        }
        assert each["locale"] in LANGUAGES


def test_every_record_belongs_to_an_account_that_has_people() -> None:
    accounts = {each["account"] for each in rows("person")}

    for kind in ("subscription", "seat", "invoice", "outage", "credit", "usage"):
        assert {each["account"] for each in rows(kind)} <= accounts, kind
    assert {each["account"] for each in rows("subscription")} == accounts
    assert {each["region"] for each in rows("person")} <= {each["id"] for each in rows("region")}


def test_the_samples_show_every_state_there_is() -> None:
    assert {each["tier"] for each in rows("subscription")} == {"free", "team", "enterprise"}
    assert {each["state"] for each in rows("invoice")} >= {"paid", "open", "overdue", "refunded", "void", "credited"}
    assert {each["state"] for each in rows("outage")} == {"due", "granted", "none"}
    assert {(each["open"], each["public"]) for each in rows("region")} == {(False, True), (True, True), (True, False)}


def test_the_samples_can_be_laid_out_at_any_time() -> None:
    for now in (datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2027, 2, 28, 23, 59, tzinfo=UTC)):
        laid = samples.resolve(PACK, now)
        assert {kind: len(each) for kind, each in laid.items()} == {k: len(each) for k, each in PACK.records.items()}


def test_whoever_is_to_be_tried_as_exists() -> None:
    people = {each["id"] for each in rows("person")}

    assert {case.try_as for case in PACK.golden if case.try_as} <= people
    assert {each["as"] for each in rows("tour") if "as" in each} <= people


# --- what the brain makes of messages it has never seen ---------------------------------------------------------------


def test_there_are_unseen_messages_enough_and_none_of_them_stands_in_the_pack() -> None:
    seen = {
        bare(text)
        for words in (*(i.asked_as for i in PACK.intents.values()), *(a.asked_as for a in PACK.articles.values()))
        for texts in words.values()
        for text in texts
    }
    others = [text for texts in (*WISHES.values(), *PAGES.values(), ABOUT, NO_PAGE) for text in texts]

    assert len(ALL) >= 200
    assert {(intent, language) for intent, language, _ in ALL} == {
        (i, each) for i in PACK.intents for each in LANGUAGES
    }
    assert [text for text in (*(text for *_, text in ALL), *others) if bare(text) in seen] == []


def test_intents_of_unseen_messages(brain: LocalBrain) -> None:
    wrong = [(intent, text) for intent, _, text in ALL if brain.understand(text).intent != intent]

    assert 1 - len(wrong) / len(ALL) >= 0.94, wrong


@pytest.mark.parametrize("intent", sorted(MESSAGES))
def test_no_intent_is_weak(brain: LocalBrain, intent: str) -> None:
    texts = [text for each, _, text in ALL if each == intent]

    right = [text for text in texts if brain.understand(text).intent == intent]

    assert len(right) / len(texts) >= 0.7, set(texts) - set(right)


def test_languages_of_unseen_messages(brain: LocalBrain) -> None:
    wrong = [text for _, language, text in ALL if brain.understand(text).language != language]

    assert 1 - len(wrong) / len(ALL) >= 0.98, wrong


def test_a_grave_request_is_never_answered_by_a_page(brain: LocalBrain) -> None:
    requests = [text for intent, _, text in ALL if intent in GRAVE]
    requests += [text for texts in WISHES.values() for text in texts]
    pages = ("faq", "status", "other")

    loose = [
        text for text in requests if brain.understand(text).intent in pages and brain.find(text, language="en").sure
    ]

    assert loose == []


@pytest.mark.parametrize("intent", sorted(WISHES))
def test_an_unmistakable_wish_has_its_intent_however_it_is_put(brain: LocalBrain, intent: str) -> None:
    assert [text for text in WISHES[intent] if brain.understand(text).intent != intent] == []


def test_asking_about_a_policy_is_not_asking_for_what_it_offers(brain: LocalBrain) -> None:
    understood = {text: brain.understand(text) for text in ABOUT}

    assert [text for text, seen in understood.items() if seen.signals] == []
    assert [text for text, seen in understood.items() if seen.intent not in ("faq", "other")] == []
    assert sum(seen.intent == "faq" for seen in understood.values()) / len(ABOUT) >= 0.85


def test_pages_for_unseen_questions(brain: LocalBrain) -> None:
    asked = [(page, text) for page, texts in PAGES.items() for text in texts]
    found = {text: brain.find(text, language="en") for _, text in asked}

    sure = [(page, text) for page, text in asked if found[text].sure]

    assert [(page, text) for page, text in sure if found[text].hits[0].article_id != page] == []
    assert len(sure) / len(asked) >= 0.9, set(asked) - set(sure)


def test_questions_that_no_page_answers_are_not_answered(brain: LocalBrain) -> None:
    assert [text for text in NO_PAGE if brain.find(text, language="en").sure] == []
