// A link from another site brings no session along, as the cookie is for this site alone: this page goes to itself once, and that does.
if (!sessionStorage.getItem('again')) {
  sessionStorage.setItem('again', '1')
  location.replace(location.href)
}
