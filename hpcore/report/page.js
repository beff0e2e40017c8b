(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var fine = window.matchMedia("(pointer: fine)").matches;
  var config = {
    displaylogo: false,
    responsive: true,
    displayModeBar: fine ? "hover" : false,
    scrollZoom: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "resetCameraLastSave3d", "tableRotation"],
    toImageButtonOptions: { format: "svg" }
  };

  function broken(place, error) {
    place.textContent = "This figure could not be drawn: " + error.message;
    place.className = "broken";
    console.error(error);
  }

  // A frame of its own for each figure: the page can be read and scrolled meanwhile.
  function draw(place, panel) {
    var layout = Object.assign({}, panel.layout);
    // On a touch screen a finger scrolls the page instead of selecting a range.
    if (layout.scene && layout.scene.camera && place.clientWidth < 500) {
      var eye = layout.scene.camera.eye;
      layout.scene = Object.assign({}, layout.scene, {
        camera: Object.assign({}, layout.scene.camera, { eye: { x: 1.35 * eye.x, y: 1.35 * eye.y, z: 1.35 * eye.z } })
      });
    }
    if (fine && !layout.scene) { layout.dragmode = "zoom"; }
    place.style.height = (layout.height || 400) + "px";
    return Plotly.newPlot(place, panel.data, layout, config).then(function () {
      place.dataset.drawn = "yes";
    });
  }

  function drawAll() {
    var places = Array.prototype.slice.call(document.querySelectorAll(".plot"));
    function next() {
      var place = places.shift();
      if (!place) {
        document.documentElement.dataset.ready = "yes";
        return;
      }
      var done;
      try {
        done = draw(place, figures[place.dataset.section][+place.dataset.panel]);
      } catch (error) {
        done = Promise.reject(error);
      }
      done.catch(function (error) { broken(place, error); }).then(function () { window.setTimeout(next, 0); });
    }
    next();
  }

  document.querySelectorAll("select[data-section]").forEach(function (select) {
    select.addEventListener("change", function () {
      var place = document.getElementById(select.dataset.place);
      Plotly.purge(place);
      draw(place, figures[select.dataset.section][+select.value]).catch(function (error) { broken(place, error); });
    });
  });

  // A surface turns with the arrow keys, too.
  document.querySelectorAll(".plot").forEach(function (place) {
    place.addEventListener("keydown", function (event) {
      var turn = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2] }[event.key];
      var scene = place._fullLayout && place._fullLayout.scene;
      if (!turn || !scene) { return; }
      event.preventDefault();
      var eye = scene.camera.eye;
      var cos = Math.cos(turn[0]), sin = Math.sin(turn[0]);
      Plotly.relayout(place, { "scene.camera.eye": { x: cos * eye.x - sin * eye.y, y: sin * eye.x + cos * eye.y, z: eye.z + turn[1] } });
    });
  });

  // Paper is narrower than most screens, and figures keep the width that they were drawn with. What WebGL has drawn is
  // not drawn anew in time, and is made smaller.
  var paper = 660;
  function onPaper(begins) {
    document.querySelectorAll(".plot[data-drawn]").forEach(function (place) {
      if (place.querySelector("canvas")) {
        place.style.zoom = begins ? Math.min(1, paper / place.clientWidth) : "";
      } else {
        Plotly.relayout(place, { width: begins ? Math.min(place.clientWidth, paper) : place.clientWidth });
      }
    });
  }
  window.addEventListener("beforeprint", function () { onPaper(true); });
  window.addEventListener("afterprint", function () { onPaper(false); });

  var packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), function (c) { return c.charCodeAt(0); });
  if (typeof DecompressionStream === "undefined") {
    document.querySelectorAll(".plot").forEach(function (place) {
      broken(place, new Error("this browser is too old; its tables are below the figures"));
    });
    return;
  }
  new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text().then(function (source) {
    var script = document.createElement("script");
    script.textContent = source;
    document.head.appendChild(script);
    drawAll();
  });
})();
