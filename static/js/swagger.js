// Shows the API's description and lets requests be tried from it.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const host = document.getElementById("swagger");
  window.SwaggerUIBundle({
    domNode: host,
    url: host.dataset.document,
    deepLinking: true,
    validatorUrl: null, // never send the document elsewhere
    tryItOutEnabled: true,
    persistAuthorization: false,
    presets: [window.SwaggerUIBundle.presets.apis],
  });
});
