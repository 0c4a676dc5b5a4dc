// What follows the # of an invitation's link is its secret. Browsers send it to nobody; here it goes into the body of the
// acceptance, and nowhere else. What is to be done about an invitation, the server tells: it is asked to accept it, and
// says whether an account has to be made or somebody has to sign in first.

const SECTIONS = ['invitation', 'account', 'sign-in', 'joined', 'nothing']

const part = (id) => document.getElementById(id)

let secret = ''
let isBusy = false

function isShown(id) {
  return !part(id).hidden
}

// Shows one section, or none, and leads the keyboard and screen readers there.
function show(id) {
  for (const section of SECTIONS) {
    part(section).hidden = section !== id
  }
  part(id)?.querySelector('h2').focus()
}

function complain(text) {
  part('problem').textContent = text
}

// The API's words as a sentence.
function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`
}

const LATER = 'The server cannot do this now. Try again in a moment.'

// What went wrong (RFC 9457), in words.
function explained(problem) {
  if (problem.code === 'not_found') {
    return 'This invitation cannot be accepted: it was used or taken back, it is more than a day old, or the link is not whole. ' +
      'Ask for a new one, unless it was you who used it: then you have joined.'
  }
  return problem.detail ? sentence(problem.detail) : LATER
}

async function post(path, body) {
  try {
    // Relative: a proxy may have put a path before ours.
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { isGood: answer.ok, body: await answer.json() }
  } catch {
    // Nobody answered, or somebody else.
    return { isGood: false, body: {} }
  }
}

async function accept(own, account) {
  const { isGood, body } = await post('api/v1/invitations/accept', { token: own, ...account })
  if (own !== secret) {
    // Another link was opened meanwhile.
    return
  }
  if (isGood) {
    secret = ''
    part('organization').textContent = body.organization_name
    part('role').textContent = body.role === 'member' ? 'a member' : `an ${body.role}`
    show('joined')
  } else if (body.code === 'sign_in_required' && !isShown('sign-in')) {
    show('sign-in')
  } else if (body.code === 'invalid' && isShown('invitation')) {
    // All that is missing is the password of a new account.
    show('account')
  } else {
    if (['not_found', 'already_member'].includes(body.code)) {
      show(null)
    }
    complain(explained(body))
  }
}

async function make(own, form) {
  const { name, password } = form.elements
  await accept(own, name.value.trim() ? { name: name.value, password: password.value } : { password: password.value })
}

async function signIn(own, form) {
  const { email, password } = form.elements
  const { isGood, body } = await post('api/v1/session', { email: email.value, password: password.value })
  if (own !== secret) {
    return
  }
  if (isGood) {
    await accept(own)
  } else {
    complain(explained(body))
  }
}

// Empties all forms, and hides what is typed there.
function forget() {
  for (const form of document.forms) {
    form.reset()
  }
  part('new-password').type = 'password'
}

// Has `f` run for the secret of now when the form of a section is sent, once at a time.
function onSubmit(id, f) {
  const form = part(id).querySelector('form')
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (isBusy) {
      return
    }
    isBusy = true
    form.setAttribute('aria-busy', 'true')
    complain('')
    try {
      await f(secret, form)
    } finally {
      form.removeAttribute('aria-busy')
      isBusy = false
    }
    if (form.closest('section').hidden) {
      forget()
    }
  })
}

// Takes the secret out of the address: it can neither be read nor copied there, nor does going back lead to it. What a browser
// has noted of visited pages no page can change; the secret is for one use and for a day.
function begin() {
  secret = location.hash.slice(1)
  history.replaceState(null, '', location.pathname)
  forget()
  complain('')
  show(secret ? 'invitation' : 'nothing')
}

onSubmit('invitation', (own) => accept(own))
onSubmit('account', make)
onSubmit('sign-in', signIn)
part('shown').addEventListener('change', ({ target }) => {
  part('new-password').type = target.checked ? 'text' : 'password'
})
// Another link that is opened in the same tab loads nothing anew.
addEventListener('hashchange', begin)
begin()
