import JSON
import Reports

/// A way of drawing that `glance-eval run` measured, as its report has it.
struct MeasuredWay {
  /// What it is called.
  let name: String
  /// Forward passes of a picture.
  let passes: Int
  /// Where its pictures are, seen from the report.
  let pictures: String
  /// Its schedule's text.
  let schedule: String
  /// Whether it is one of those that were to be measured, not the teacher or the plain model.
  let isAsked: Bool
  private let report: JSONValue

  /// Reads an arm of `glance-eval/1`.
  init(_ report: JSONValue) throws {
    self.report = report
    name = report["name"]?.string ?? ""
    passes = Int(report["passes"]?.integer ?? 0)
    pictures = report["runs"]?.array?.first?["pictures"]?.string ?? ""
    isAsked = report["role"] == "asked"
    schedule = report["settings"]?["schedule"]?.string ?? ""
  }

  /// A figure with its interval; a dash where there is none.
  func figure(_ key: String, places: Int) -> String {
    Self.text(report["figures"]?[key], places: places) ?? "–"
  }

  /// Sentences on how it stands to the plain model.
  var comparisons: [String] {
    (report["against_plain"]?.array ?? []).compactMap { other in
      guard let psnr = other["figures"]?["pixel_psnr"], let value = psnr["value"]?.double,
        let low = psnr["low"]?.double, let high = psnr["high"]?.double
      else { return nil }
      let other = other["arm"]?.string ?? ""
      func fixed(_ number: Double) -> String { Readable.fixed(abs(number), places: 2) }
      guard low > 0 || high < 0 else {
        return "\(name) and \(other) are \(fixed(value)) dB apart, which chance explains."
      }
      let range = low > 0 ? "\(fixed(low)) to \(fixed(high))" : "\(fixed(high)) to \(fixed(low))"
      return
        "\(name) is \(low > 0 ? "nearer the teacher" : "farther from the teacher") than \(other), "
        + "by \(fixed(value)) (\(range)) dB."
    }
  }

  private static func text(_ figure: JSONValue?, places: Int) -> String? {
    guard let figure, let value = figure["value"]?.double else { return nil }
    let text = Readable.fixed(value, places: places)
    guard let low = figure["low"]?.double, let high = figure["high"]?.double else { return text }
    return text
      + " (\(Readable.fixed(low, places: places)) to \(Readable.fixed(high, places: places)))"
  }
}
