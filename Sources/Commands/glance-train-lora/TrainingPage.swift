internal import Compute
internal import ExpertTraining
internal import Failures
internal import Files
internal import JSON
internal import Pictures
internal import Reports
internal import Schedules
internal import SystemPackage
internal import Training

/// The page of a training: what is trained on, and how far it came.
struct TrainingPage {
  private let plan: ExpertPlan
  private let output: ExpertOutput
  private let log: TrainingLog
  private let samples: PictureGrid

  /// The most pictures that are shown.
  private static let sampleLimit = 8

  init(_ plan: ExpertPlan, _ output: ExpertOutput, _ log: TrainingLog, samples: PictureGrid) {
    self.plan = plan
    self.output = output
    self.log = log
    self.samples = samples
  }

  /// The pictures that a plan trains on, beside their captions.
  static func samples(of plan: ExpertPlan) throws -> PictureGrid {
    let samples = try plan.shownSamples(atMost: sampleLimit)
    return PictureGrid(
      columns: ["as it is trained on"],
      rows: try samples.map { sample in
        PictureGrid.Row(
          name: sample.caption,
          pictures: [
            try sample.picture.map { .init(png: try $0.png(), description: sample.caption) }
          ])
      })
  }

  /// The whole page.
  func text() throws -> String {
    var page = HTMLPage(title: "Training of \(output.name)")
    page.addListing(TrainingText.plan(plan, output))
    page.addFacts(facts)
    page.addHeading("The samples")
    page.add(samples)
    if samples.rows.count < plan.request.samples.count {
      page.addText("The first \(samples.rows.count) of \(plan.request.samples.count).")
    }
    try addPreviews(to: &page)
    page.addHeading("The schedule")
    page.add(scheduleChart(plan.schedule))
    for phase in log.phases { addLosses(phase, to: &page) }
    addSteps(to: &page)
    return page.text
  }

  private func addPreviews(to page: inout HTMLPage) throws {
    guard let prompt = output.previews?.prompt else { return }
    let rows = plan.schedule.phases.map { phase in
      // A run that goes on may draw from another prompt than before.
      let files = output.previewFiles(phase.name).filter {
        TrainingPreviews.prompt(of: $0.file) == prompt
      }
      return (name: phase.name, files: files)
    }.filter { !$0.files.isEmpty }
    guard !rows.isEmpty else { return }
    let steps = Set(rows.flatMap { $0.files.map(\.step) }).sorted()
    page.addHeading("Previews")
    page.addText(
      "\(prompt), drawn from the same noise with the experts so far and the schedule that they declare"
    )
    page.add(
      PictureGrid(
        columns: steps.map { "step \($0)" },
        rows: try rows.map { row in
          PictureGrid.Row(
            name: row.name,
            pictures: try steps.map { step in
              try row.files.first { $0.step == step }.map {
                .init(
                  png: try readWhole($0.file, atMost: 1 << 28),
                  description: "\(row.name) expert after step \(step)")
              }
            })
        }))
  }

  private var facts: [(name: String, text: String)] {
    [
      ("seed", "\(plan.settings.seed)"),
      ("version", "glance \(toolkitVersion), \(Arithmetic.name)"),
      (
        "seconds",
        log.phases.map { phase in
          let steps = Set(log.rows(of: phase).compactMap { $0["step"]?.integer }).count
          return "\(phase): \(Readable.significant(log.seconds(of: phase), digits: 4)) for "
            + Readable.count(steps, "step")
        }.joined(separator: "\n")
      ),
    ]
  }

  private func addLosses(_ phase: String, to page: inout HTMLPage) {
    page.addHeading("Loss of the \(phase) expert")
    page.add(lossChart(log.rows(of: phase)))
    let losses = log.losses(of: phase)
    guard !losses.isEmpty else { return }
    page.addText("With noise that is the same for both, so that the numbers can be compared:")
    page.add(fixedNoiseChart(phase, losses))
    page.addTable(
      header: ["timestep", "base alone", "with the adapter"],
      rows: losses.map {
        [
          Readable.fixed(Double($0.sigma) * 1000, places: 1),
          Readable.significant($0.base, digits: 4), Readable.significant($0.adapted, digits: 4),
        ]
      })
  }

  private func fixedNoiseChart(_ phase: String, _ losses: [FixedNoiseLoss]) -> LineChart {
    LineChart(
      title: "Loss with fixed noise, by timestep", xAxis: "timestep", yAxis: "loss",
      series: [
        .init(
          name: "base alone", points: losses.map { (Double($0.sigma) * 1000, $0.base) },
          colour: .plain),
        .init(
          name: "with the adapter", points: losses.map { (Double($0.sigma) * 1000, $0.adapted) },
          colour: .phase(phase)),
      ])
  }

  /// Charts in which every phase is a line.
  private func addSteps(to page: inout HTMLPage) {
    page.addHeading("Steps of all experts")
    for (key, title) in [
      ("gradient_norm", "Norm of the gradients, before clipping"),
      ("learning_rate", "Learning rate"),
    ] {
      page.add(
        chart(title, xAxis: "step", yAxis: "") { phase in
          log.rows(of: phase).map {
            (Double($0["step"]?.integer ?? 0), $0[key]?.double ?? .nan)
          }
        })
    }
    let blocks = log.phases.first.map { log.adapterNorms(of: $0) } ?? []
    let range = [blocks.first, blocks.last].compactMap { $0?.block }.joined(separator: " to ")
    page.add(
      chart(
        "Norm of what the adapter adds to the weights of every block",
        xAxis: "block, from \(range)",
        yAxis: "norm"
      ) { phase in
        log.adapterNorms(of: phase).enumerated().map { (Double($0.offset), $0.element.norm) }
      })
  }

  private func chart(
    _ title: String, xAxis: String, yAxis: String, points: (String) -> [(x: Double, y: Double)]
  ) -> LineChart {
    LineChart(
      title: title, xAxis: xAxis, yAxis: yAxis,
      series: log.phases.map { .init(name: $0, points: points($0), colour: .phase($0)) })
  }

  private func lossChart(_ rows: [JSONObject]) -> LineChart {
    LineChart(
      title: "Loss of every training step, by timestep", xAxis: "step", yAxis: "loss",
      series: LineChart.Series.byTimestep(
        rows.map { row in
          (
            row["timestep"]?.double, Double(row["step"]?.integer ?? 0),
            row["loss"]?.double ?? .nan
          )
        }))
  }
}

/// The sigmas of a schedule, a series of points a phase, over the grid that they are taken from.
private func scheduleChart(_ schedule: PhaseSchedule) -> LineChart {
  let grid = schedule.teacher.map { teacher in
    LineChart.Series(
      name: "the model's own grid",
      points: teacher.sigmas.enumerated().map { (Double($0.offset), Double($0.element)) },
      colour: .teacher)
  }
  let phases = schedule.phases.map { phase in
    LineChart.Series(
      name: "\(phase)",
      points: schedule.indices(of: phase).map {
        (Double(schedule.entries[$0].teacherStep ?? $0), Double(schedule.entries[$0].sigma))
      }, isJoined: grid == nil, colour: .phase(phase.name))
  }
  return LineChart(
    title: grid == nil
      ? "Noise level of every step" : "Noise level of every step; the model's own grid behind it",
    xAxis: grid == nil ? "step" : "step of the teacher's grid", yAxis: "sigma",
    series: [grid].compactMap(\.self) + phases)
}
