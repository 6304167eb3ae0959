//! Drawing from a description: `draw_diagram` (graphviz), `plot` (gnuplot), `render_scene` (POV-Ray) and `svg`
//! (librsvg). Each draws what its language says; a prompt for a picture is the business of `TextToImage`.

use internlm_kit::sandbox::Task;

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::Program;
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

/// Maximum width and height of a drawing, pixels.
const SIDE: u32 = 4096;
/// What gnuplot says in a user namespace that maps no user, if the sandbox cannot tell it that it has no rights to give
/// up: without seccomp, and where the system has other overflow numbers than usual.
const UNMAPPED: &str = "refusing to run at elevated privilege";

pub(super) const DIAGRAM: Definition = Definition {
    name: "draw_diagram",
    group: "drawing",
    description: "Draws a graph that is written in the DOT language of graphviz.",
    parameters: &[
        text("source", "The graph, such as digraph { a -> b }."),
        optional(
            "layout",
            Kind::Choice(&LAYOUTS),
            "Program of graphviz that places the nodes. Default: dot.",
        ),
        optional("format", Kind::Choice(&["png", "svg"]), "Format of the result. Default: png."),
    ],
    means: Means::Programs(&[Program::of("dot", "graphviz")]),
    needs: "graphviz",
    consent: Consent::NotNeeded,
    run: diagram,
};

/// The layouts of graphviz that need no further choices.
const LAYOUTS: [&str; 6] = ["dot", "neato", "fdp", "sfdp", "circo", "twopi"];

pub(super) const PLOT: Definition = Definition {
    name: "plot",
    group: "drawing",
    description: "Draws functions and data with commands of gnuplot. Terminal and output are set already.",
    parameters: &[
        text(
            "commands",
            "Commands of gnuplot, such as: plot sin(x) with lines. Data may be written as $data << EOD ... EOD.",
        ),
        optional("width", Kind::Integer, "Width in pixels. Default: 800."),
        optional("height", Kind::Integer, "Height in pixels. Default: 600."),
    ],
    means: Means::Programs(&[Program::of("gnuplot", "gnuplot-nox")]),
    needs: "gnuplot-nox",
    consent: Consent::NotNeeded,
    run: plot,
};

pub(super) const SCENE: Definition = Definition {
    name: "render_scene",
    group: "drawing",
    description: "Renders a scene that is written in the scene language of POV-Ray.",
    parameters: &[
        text("scene", "The scene with its camera, lights and objects."),
        optional("width", Kind::Integer, "Width in pixels. Default: 320."),
        optional("height", Kind::Integer, "Height in pixels. Default: 240."),
    ],
    means: Means::Programs(&[Program::named("povray")]),
    needs: "povray",
    consent: Consent::NotNeeded,
    run: scene,
};

pub(super) const SVG: Definition = Definition {
    name: "svg",
    group: "drawing",
    description: "Draws a picture that is written in SVG.",
    parameters: &[
        text("source", "The SVG document."),
        optional("width", Kind::Integer, "Width in pixels. Default: that of the document."),
        optional("format", Kind::Choice(&["png", "pdf"]), "Format of the result. Default: png."),
    ],
    means: Means::Programs(&[Program::of("rsvg-convert", "librsvg2-bin")]),
    needs: "librsvg2-bin",
    consent: Consent::NotNeeded,
    run: svg,
};

fn diagram(call: &Call<'_>) -> Made {
    let layout = call.choice("layout", &LAYOUTS)?;
    let format = call.choice("format", &["png", "svg"])?;
    let output = format!("diagram.{format}");
    let format_argument = format!("-T{format}");
    let task = Task::new("dot")
        .args(["-K", layout, &format_argument, "-o", &output, "source.dot"])
        .file("source.dot", call.text("source")?);
    finish(call, "diagram", format, &call.run_for("graphviz", task, &output)?)
}

fn plot(call: &Call<'_>) -> Made {
    let (width, height) = size(call, 800, 600)?;
    let commands = format!(
        "set terminal pngcairo size {width},{height}\nset output 'plot.png'\n{}\nset output\n",
        call.text("commands")?
    );
    let task = Task::new("gnuplot").args(["commands.gp"]).file("commands.gp", commands);
    let bytes = call.run_for("gnuplot", task, "plot.png").map_err(|failure| {
        if failure.message.contains(UNMAPPED) {
            return Failure::tool(
                "unavailable: needs bubblewrap, since gnuplot does not run in the sandbox level `namespaces` \
                 of this machine",
            );
        }
        failure
    })?;
    finish(call, "plot", "png", &bytes)
}

fn scene(call: &Call<'_>) -> Made {
    let (width, height) = size(call, 320, 240)?;
    let (width, height) = (format!("+W{width}"), format!("+H{height}"));
    // No display, no remarks, antialiasing, and one thread per core that the sandbox may count.
    let arguments = ["+Iscene.pov", "+Oscene.png", "+A", "-D", "-GA", "+WT2", &width, &height];
    let task = Task::new("povray").args(arguments).file("scene.pov", call.text("scene")?);
    finish(call, "scene", "png", &call.run_for("povray", task, "scene.png")?)
}

fn svg(call: &Call<'_>) -> Made {
    let format = call.choice("format", &["png", "pdf"])?;
    let output = format!("drawing.{format}");
    let mut task = Task::new("rsvg-convert").args(["-f", format, "-o", &output]);
    if let Some(width) = call.integer("width", 1..=SIDE)? {
        task = task.args(["--keep-aspect-ratio", "--width", &width.to_string()]);
    }
    let task = task.args(["source.svg"]).file("source.svg", call.text("source")?);
    finish(call, "drawing", format, &call.run_for("librsvg", task, &output)?)
}

fn size(call: &Call<'_>, width: u32, height: u32) -> Result<(u32, u32), Failure> {
    let width = call.integer("width", 1..=SIDE)?.unwrap_or(width);
    Ok((width, call.integer("height", 1..=SIDE)?.unwrap_or(height)))
}

/// Writes the drawing; what is not a picture is a file.
fn finish(call: &Call<'_>, stem: &str, format: &str, bytes: &[u8]) -> Made {
    let kind = if format == "pdf" { "file" } else { "image" };
    Ok(vec![ResultItem::file(kind, call.save(stem, format, bytes)?)])
}
