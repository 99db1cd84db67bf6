internal import Drawing
internal import Evaluation
internal import Reports
internal import SystemPackage

/// What came out, as tables of text.
struct ResultsText {
  let results: EvaluationResults

  init(_ results: EvaluationResults) { self.results = results }

  /// The measures that any arm has, in the order of the columns.
  var measures: [Measure] {
    Measure.allCases.filter { measure in
      results.figures.contains { $0.figures[measure] != nil }
    }
  }

  /// A figure, with as many places as it is sure of.
  static func number(_ value: Double, _ measure: Measure) -> String {
    switch measure {
    case .latentPSNR, .pixelPSNR, .clipScore: Readable.fixed(value, places: 2)
    case .latentRMSE, .latentCosine: Readable.fixed(value, places: 4)
    default: Readable.fixed(value, places: 3)
    }
  }

  /// A figure with its interval.
  static func text(_ estimate: Estimate?, _ measure: Measure, sign: Bool = false) -> String {
    guard let estimate else { return "–" }
    let plus = sign && estimate.value >= 0 ? "+" : ""
    let value = plus + number(estimate.value, measure)
    guard let interval = estimate.interval else { return value }
    return "\(value) (\(number(interval.lowerBound, measure)) to "
      + "\(number(interval.upperBound, measure)))"
  }

  /// Names of the columns of the table of arms.
  func header(_ measures: [Measure]) -> [String] {
    ["arm", "passes", "s a picture"] + measures.map(\.title) + ["Fréchet"]
  }

  /// The arms with these measures and their intervals.
  func rows(_ measures: [Measure], interval: Bool = true) -> [[String]] {
    results.arms.indices.map { index in
      let (measured, figures) = (results.arms[index], results.figures[index])
      return [
        measured.arm.name, "\(measured.arm.plan.passesPerPicture)",
        Readable.significant(measured.secondsPerPicture, digits: 2),
      ]
        + measures.map { measure in
          let estimate = figures.figures[measure]
          return interval
            ? Self.text(estimate, measure) : estimate.map { Self.number($0.value, measure) } ?? "–"
        } + [frechet(figures.frechet)]
    }
  }

  private func frechet(_ distance: FrechetDistance?) -> String {
    guard let distance else { return "–" }
    guard distance.hasEnoughPictures else { return "too few pictures" }
    return Readable.significant(distance.value, digits: 3)
  }

  /// Names of the columns of the table of differences.
  func differenceHeader(_ measures: [Measure]) -> [String] {
    ["difference", "passes"] + measures.map(\.title)
  }

  /// Each arm less each of its baselines; both numbers of passes where they are not equal.
  func differenceRows(_ measures: [Measure]) -> [[String]] {
    zip(results.arms, results.figures).flatMap { measured, figures in
      figures.differences.map { baseline, differences in
        let other = results.arms[baseline].arm
        let (own, others) = (measured.arm.plan.passesPerPicture, other.plan.passesPerPicture)
        return [
          "\(measured.arm.name) less \(other.name)", own == others ? "\(own)" : "\(own), \(others)",
        ]
          + measures.map { Self.text(differences[$0], $0, sign: true) }
      }
    }
  }

  /// What was compared, in a sentence.
  var account: String {
    let request = results.plan.request
    let trainings = results.plan.arms.map(\.runs.count).max() ?? 1
    let isRepeated = trainings > 1
    return "\(Readable.count(request.prompts.count, "prompt")), "
      + "\(Readable.count(request.seeds, "seed")) of noise, the same in every arm, "
      + (isRepeated ? "\(Readable.count(trainings, "training")) of arms that are trained, " : "")
      + "\(request.width)x\(request.height); intervals hold 95 of 100 draws of "
      + "\(Readable.count(request.resamples)) over prompts\(isRepeated ? ", seeds and trainings" : " and seeds"). Latent PSNR is held against the "
      + "teacher's range, \(Readable.significant(results.latentRange, digits: 4)); the Fréchet distance "
      + "compares \(results.featureCount) means of latents a picture."
  }

  /// `results.md`.
  var markdown: String {
    "# Evaluation of \(results.plan.request.model.lastComponent?.string ?? "")\n\n\(account)\n\n"
      + Self.markdown(header(measures), rows(measures))
      + "\n## Against the plain model\n\n"
      + Self.markdown(differenceHeader(measures), differenceRows(measures))
  }

  private static func markdown(_ header: [String], _ rows: [[String]]) -> String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
    return line(header) + line(header.map { _ in "---" }) + rows.map(line).joined()
  }

  /// What a person reads on the terminal: without intervals, so that it fits.
  var summary: String {
    let shown = [Measure.allRight, .attributes, .clipScore, .pixelPSNR, .latentPSNR, .latentRMSE]
      .filter(measures.contains)
    let header = header(shown)
    var table = TextTable([.left] + header.dropFirst().map { _ in .right })
    table.add(header)
    for row in rows(shown, interval: false) { table.add(row.map { SafeText.terminal($0) }) }
    return table.text()
  }
}
