internal import Drawing
internal import Evaluation
internal import Pictures
internal import Reports
internal import SystemPackage

/// `report.html`: tables, plots and pictures on one page that needs nothing beside it.
struct ResultsPage {
  private let results: EvaluationResults
  private let text: ResultsText
  private let folder: FilePath

  /// Pixels of the longer side of pictures on the page.
  private static let longestSide = 256

  init(_ results: EvaluationResults, _ text: ResultsText, in folder: FilePath) {
    self.results = results
    self.text = text
    self.folder = folder
  }

  /// The page, with the pictures of so many of the first prompts.
  func text(prompts: Int) throws -> String {
    let name = results.plan.request.model.lastComponent?.string ?? "a model"
    var page = HTMLPage(title: "How \(name) draws")
    page.addText(text.account)
    page.addHeading("Figures")
    let main = [
      Measure.allRight, .attributes, .clipScore, .pixelPSNR, .latentPSNR, .latentRMSE,
      .latentCosine,
    ].filter(text.measures.contains)
    page.addTable(header: text.header(main), rows: text.rows(main))
    page.addText(
      "Passes are forward passes of the transformer a picture; guidance takes two a step. Fidelity "
        + "holds a picture against the teacher's of the same prompt and noise.")
    page.addHeading("Against the plain model at equal passes")
    page.addTable(header: text.differenceHeader(main), rows: text.differenceRows(main))
    page.addText(
      "Differences are paired: the same prompts and noise. Where an interval leaves out 0, "
        + "chance explains the difference in fewer than 5 of 100 such evaluations.")
    // Over one number of passes there is nothing to plot.
    if Set(results.arms.dropFirst().map(\.arm.plan.passesPerPicture)).count > 1 {
      for measure in main where measure != .latentCosine { page.add(chart(measure)) }
    }
    let others = text.measures.filter { !main.contains($0) }
    if !others.isEmpty {
      page.addHeading("More")
      page.addTable(header: text.header(others), rows: text.rows(others))
    }
    if prompts > 0 {
      page.addHeading("Pictures")
      page.add(try grid(prompts: prompts))
    }
    return page.text
  }

  /// A measure over passes: the plain model as a line, every other arm as a point.
  private func chart(_ measure: Measure) -> LineChart {
    func points(
      _ name: String, isJoined: Bool, colour: ChartColour? = nil, _ isIn: (Arm) -> Bool
    ) -> LineChart.Series {
      let found = results.arms.indices.compactMap { index -> (Double, Estimate)? in
        let arm = results.arms[index].arm
        guard isIn(arm), let estimate = results.figures[index].figures[measure] else { return nil }
        return (Double(arm.plan.passesPerPicture), estimate)
      }.sorted { $0.0 < $1.0 }
      return LineChart.Series(
        name: name, points: found.map { ($0.0, $0.1.value) }, isJoined: isJoined,
        bars: found.map(\.1.interval), colour: colour)
    }
    let own = results.arms[0].arm.plan.cfg
    var series = [
      teacher(measure),
      points("plain, uniform", isJoined: true, colour: .plain) {
        $0.role == .plainUniform && $0.plan.cfg == own
      },
      points("plain, unguided", isJoined: true) { $0.role == .plainUniform && $0.plan.cfg != own },
      points("plain, own steps", isJoined: false) { $0.role == .plainGrid },
    ]
    for measured in results.arms where measured.arm.role == .asked {
      series.append(
        points(measured.arm.name, isJoined: false) { $0.name == measured.arm.name })
    }
    return LineChart(
      title: "\(measure.title), with 95 % intervals", xAxis: "forward passes a picture",
      yAxis: measure.title, series: series)
  }

  /// The teacher's figure as a line across the others' passes, since its own are many times more.
  private func teacher(_ measure: Measure) -> LineChart.Series {
    let passes = results.arms.dropFirst().map { Double($0.arm.plan.passesPerPicture) }
    let value = results.figures[0].figures[measure]?.value
    let ends = [passes.min(), passes.max()].compactMap(\.self)
    return LineChart.Series(
      name: "teacher, \(results.arms[0].arm.plan.passesPerPicture) passes",
      points: value.map { value in ends.map { ($0, value) } } ?? [], colour: .teacher)
  }

  private func grid(prompts: Int) throws -> PictureGrid {
    let request = results.plan.request
    let stores = results.arms.map { ArmStore($0.arm.runs[0], of: results.plan, in: folder) }
    return PictureGrid(
      columns: results.arms.map {
        "\($0.arm.name) (\(Readable.count($0.arm.plan.passesPerPicture, "pass", "passes")))"
      },
      rows: try request.prompts.prefix(prompts).enumerated().map { row, prompt in
        PictureGrid.Row(
          name: prompt.text,
          pictures: try zip(stores, results.arms).map { store, measured in
            PictureGrid.Cell(
              png: try Self.small(store.pictureFile(row * request.seeds)),
              description: "\(measured.arm.name): \(prompt.text)")
          })
      })
  }

  /// The bytes of a picture's file, or of a smaller picture where it is large.
  private static func small(_ file: FilePath) throws -> [UInt8] {
    let picture = try Picture(reading: file)
    let longer = max(picture.width, picture.height)
    guard longer > longestSide else { return try picture.png() }
    return try picture.resized(
      width: max(1, picture.width * longestSide / longer),
      height: max(1, picture.height * longestSide / longer)
    ).png()
  }
}
