import ArgumentParser
import CommandSupport
import Files
import JSON
import Reports
import Schedules
import SystemPackage

/// Puts what `tools/demo` made on one page.
@main
struct DemoPage: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "demo-page", abstract: "Write index.html for a folder that tools/demo has filled.")

  @Argument(help: "The folder.", completion: .directory)
  var folder: FilePath

  @OptionGroup(title: "Common options") var common: CommonOptions

  /// The ways of drawing, in the order of the page's columns.
  private static let ways = [
    ("teacher", "Teacher, 50 steps"), ("plain", "Plain model, 10 steps"),
    ("glance", "Glance, slow then fast, 10 steps"),
  ]

  func execute() throws {
    var page = HTMLPage(title: "Glance on the tiny model")
    page.addText(
      "Two LoRA experts were trained from one picture and its caption: a slow one for the early, "
        + "noisy timesteps, a fast one for the late ones. Below, the same prompts and the same "
        + "noise, drawn in three ways.")
    let runs = try Self.ways.map { try JSONValue(parsing: text("\($0.0).json")) }
    page.addHeading("Pictures")
    page.add(try grid(runs))
    page.addHeading("What it cost")
    // Only FLUX.1 takes a guidance value.
    let hasGuidance = runs.contains { $0["guidance"]?.double != nil }
    page.addTable(
      header: ["way", "steps", "forward passes a picture", "seconds a picture", "cfg"]
        + (hasGuidance ? ["guidance"] : []),
      rows: zip(Self.ways, runs).map { way, run in
        let seconds = (run["pictures"]?.array ?? []).compactMap { $0["seconds"]?.double }
        let mean = seconds.reduce(0, +) / Double(max(seconds.count, 1))
        return [
          way.1, run["steps"]?.text() ?? "", run["passes"]?.text() ?? "",
          Readable.fixed(mean, places: 2), run["cfg"]?.text() ?? "",
        ] + (hasGuidance ? [run["guidance"]?.text() ?? ""] : [])
      })
    page.addText(
      "This model's trajectories are nearly straight: ten plain steps cost it little, and one "
        + "picture pulls the experts towards itself. The page shows the method at work, not its "
        + "worth at full size.")
    try addSchedule(to: &page, runs)
    try addLosses(to: &page)
    for (file, heading) in [
      ("inspect-model.txt", "The model"), ("inspect-slow.txt", "The slow expert"),
      ("inspect-fast.txt", "The fast expert"), ("merge.txt", "Baked: what survived rounding"),
    ] {
      page.addHeading(heading)
      page.addListing(try text(file))
    }
    let output = folder.appending("index.html")
    try writeAtomically(unsafe Array(page.text.utf8).span.bytes, to: output, overwrite: true)
  }

  private func grid(_ runs: [JSONValue]) throws -> PictureGrid {
    let pictures = runs.map { $0["pictures"]?.array ?? [] }
    let count = pictures.map(\.count).min() ?? 0
    return PictureGrid(
      columns: Self.ways.map(\.1),
      rows: try (0..<count).map { row in
        let prompt = pictures[0][row]["prompt"]?.string ?? ""
        return PictureGrid.Row(
          name: prompt,
          pictures: try zip(Self.ways, pictures).map { way, list in
            let file = FilePath(list[row]["file"]?.string ?? "")
            return PictureGrid.Cell(
              png: try bytes(file), description: "\(way.1): \(prompt)")
          })
      })
  }

  private func addSchedule(to page: inout HTMLPage, _ runs: [JSONValue]) throws {
    page.addHeading("The schedule")
    let schedules = try runs.map { try PhaseSchedule(text: $0["schedule"]?.string ?? "") }
    guard let teacher = schedules.first, let glance = schedules.last else { return }
    var series = [
      LineChart.Series(
        name: "teacher",
        points: teacher.sigmas.enumerated().map { (Double($0.offset), Double($0.element)) })
    ]
    for phase in glance.phases {
      series.append(
        LineChart.Series(
          name: "\(phase)",
          points: glance.indices(of: phase).map { index in
            let sigma = glance.entries[index].sigma
            let step = teacher.sigmas.firstIndex { abs($0 - sigma) < 1e-4 } ?? index
            return (Double(step), Double(sigma))
          }, isJoined: false))
    }
    page.add(
      LineChart(
        title: "Noise level of the teacher's 50 steps, and those that the experts take",
        xAxis: "step of the teacher", yAxis: "sigma", series: series))
  }

  private func addLosses(to page: inout HTMLPage) throws {
    page.addHeading("Loss while training, by timestep")
    let lines = try text("demo.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    for phase in ["slow", "fast"] {
      let own = lines.filter { $0["phase"]?.string == phase }
      let timesteps = Set(own.compactMap { $0["timestep"]?.double }).sorted(by: >)
      page.add(
        LineChart(
          title: "The \(phase) expert", xAxis: "training step", yAxis: "loss",
          series: timesteps.map { timestep in
            LineChart.Series(
              name: "t \(Readable.fixed(timestep, places: 0))",
              points: own.filter { $0["timestep"]?.double == timestep }.map {
                (Double($0["step"]?.integer ?? 0), $0["loss"]?.double ?? .nan)
              })
          }))
    }
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try bytes(folder.appending(name)), as: UTF8.self)
  }

  private func bytes(_ file: FilePath) throws -> [UInt8] {
    let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
    return try descriptor.closeAfter {
      var bytes: [UInt8] = []
      var block = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = try unsafe block.withUnsafeMutableBytes {
          try unsafe descriptor.read(into: $0)
        }
        if count == 0 { return bytes }
        bytes += block[..<count]
      }
    }
  }
}
