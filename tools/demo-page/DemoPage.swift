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

  /// Prompts whose pictures are on the page.
  private static let shownPrompts = 6

  func execute() throws {
    let results = try JSONValue(parsing: text("evaluation/results.json"))
    let all = try (results["arms"]?.array ?? []).map(MeasuredWay.init)
    let arms = all.filter { !$0.isAsked } + all.filter(\.isAsked)
    let prompts = (results["prompts"]?.array ?? []).compactMap(\.string)
    var page = HTMLPage(title: "Glance on the tiny model")
    page.addText(
      "Two LoRA experts were trained from one caption and its picture: a slow one for the early, noisy "
        + "timesteps, a fast one for the late ones, twice: as published, on the picture, and as "
        + "recommended here, on where the teacher itself would go. Below, prompts that neither has "
        + "seen, all from the same noise: the teacher in 50 steps, and what is left of it in two steps."
    )
    page.addHeading("Pictures")
    page.add(try grid(arms, prompts))
    page.addHeading("How near the teacher, and how right")
    page.addTable(
      header: [
        "way", "forward passes a picture", "pixel PSNR to the teacher, dB",
        "pictures with every attribute right", "attributes right",
      ],
      rows: arms.map { arm in
        [arm.name, "\(arm.passes)", arm.figure("pixel_psnr", places: 2)]
          + ["all_right", "attributes"].map { arm.figure($0, places: 3) }
      })
    page.addText(
      "\(prompts.count) held-out prompts, one seed of noise, one training; in parentheses, where 95 of "
        + "100 draws of prompts lie. Forward passes count the transformer's runs: guidance takes two a step. "
        + "The plain model draws in evenly spread steps (uniform) and in the experts' own (1+1), where these differ."
    )
    for arm in arms { for sentence in arm.comparisons { page.addText(sentence) } }
    page.addText(
      "The published way pulls both experts towards the one picture; the recommended one asks the "
        + "teacher where it would go, which is what a few steps lack. This model is tiny and its walks are "
        + "nearly straight, so that at ten steps the plain model needs no help at all. "
        + "docs/does-it-work.md has the whole table, over several trainings and seeds.")
    try addSchedule(to: &page, arms)
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

  private func grid(_ arms: [MeasuredWay], _ prompts: [String]) throws -> PictureGrid {
    PictureGrid(
      columns: arms.map { "\($0.name) (\(Readable.count($0.passes, "pass", "passes")))" },
      rows: try prompts.prefix(Self.shownPrompts).enumerated().map { row, prompt in
        PictureGrid.Row(
          name: prompt,
          pictures: try arms.map { arm in
            let file = folder.appending("evaluation").pushing(FilePath(arm.pictures))
              .appending("p00\(row)-s0.png")
            return PictureGrid.Cell(
              png: try bytes(file), description: "\(arm.name): \(prompt)")
          })
      })
  }

  private func addSchedule(to page: inout HTMLPage, _ arms: [MeasuredWay]) throws {
    page.addHeading("The schedule")
    let schedules = try arms.map { try PhaseSchedule(text: $0.schedule) }
    guard let teacher = schedules.first,
      let glance = schedules.first(where: { $0.phases.count > 1 })
    else { return }
    var series = [
      LineChart.Series(
        name: "teacher",
        points: teacher.sigmas.enumerated().map { (Double($0.offset), Double($0.element)) },
        colour: .teacher)
    ]
    for phase in glance.phases {
      series.append(
        LineChart.Series(
          name: "\(phase)",
          points: glance.indices(of: phase).map { index in
            let sigma = glance.entries[index].sigma
            let step = teacher.sigmas.firstIndex { abs($0 - sigma) < 1e-4 } ?? index
            return (Double(step), Double(sigma))
          }, isJoined: false, colour: .phase(phase.name)))
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
      page.add(
        LineChart(
          title: "The \(phase) expert", xAxis: "training step", yAxis: "loss",
          series: LineChart.Series.byTimestep(
            own.map { row in
              (
                row["timestep"]?.double, Double(row["step"]?.integer ?? 0),
                row["loss"]?.double ?? .nan
              )
            })))
    }
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try bytes(folder.appending(name)), as: UTF8.self)
  }

  private func bytes(_ file: FilePath) throws -> [UInt8] { try readWhole(file, atMost: 64 << 20) }
}
