internal import Reports

/// What a progress line says: what, how much of how much, rate, time left.
package struct ProgressText: Sendable {
  let activity: String
  let unit: ProgressLine.Unit
  let total: Int?

  /// The text for an activity with that total, where it is known.
  package init(activity: String, unit: ProgressLine.Unit, total: Int?) {
    self.activity = activity
    self.unit = unit
    self.total = total
  }

  /// The line for a state of the work.
  ///
  /// - Parameters:
  ///   - done: how much is done.
  ///   - elapsed: since when, for the rate.
  ///   - doneBefore: how much was done before that, in an earlier run.
  ///   - note: what else there is to say, such as a loss.
  ///   - limit: characters that fit; what doesn't is left out from the right, part by part.
  /// - Returns: one line, such as `merging: 12.3 GB of 24.0 GB (51 %), 1.2 GB/s, 10 s left`.
  package func line(
    done: Int, elapsed: Duration, doneBefore: Int, note: String, limit: Int = .max
  ) -> String {
    var parts = [amount(done)]
    let seconds = elapsed / .seconds(1)
    let worked = Double(done - doneBefore)
    if worked > 0, seconds > 0 {
      parts.append(rate(worked / seconds))
      if let total, done < total {
        let left = Duration.seconds(Double(total - done) * seconds / worked)
        parts.append("\(Readable.duration(left)) left")
      }
    }
    if !note.isEmpty { parts.append(note) }
    while true {
      let line = SafeText.terminal("\(activity): " + parts.joined(separator: ", "), limit: .max)
      let count = line.unicodeScalars.count
      if count <= limit { return line }
      guard parts.count > 1 else { return String(line.unicodeScalars.prefix(max(0, limit))) }
      parts.removeLast()
    }
  }

  private func amount(_ done: Int) -> String {
    guard let total, total > 0 else { return text(done) }
    // A share is rounded down, in whole numbers: 100 % means done, and 29 of 50 are 58 %.
    let (high, low) = done.multipliedFullWidth(by: 100)
    let percent = done > total ? 100 : total.dividingFullWidth((high, low)).quotient
    switch unit {
    case .bytes: return "\(text(done)) of \(text(total)) (\(percent) %)"
    case .items(let plural, _):
      return "\(Readable.count(done)) of \(Readable.count(total)) \(plural) (\(percent) %)"
    }
  }

  private func text(_ count: Int) -> String {
    switch unit {
    case .bytes: Readable.bytes(count)
    case .items(let plural, let singular): Readable.count(count, singular, plural)
    }
  }

  private func rate(_ perSecond: Double) -> String {
    switch unit {
    case .bytes: "\(Readable.bytes(Int(min(perSecond, 1e18))))/s"
    case .items(let plural, let singular):
      perSecond >= 1
        ? "\(Readable.significant(perSecond, digits: 3)) \(plural)/s"
        : "\(Readable.duration(.seconds(1 / perSecond))) a \(singular)"
    }
  }
}
