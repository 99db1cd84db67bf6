#if canImport(Glibc)
  internal import Glibc
#endif

/// Numbers as people read them.
public enum Readable {
  /// `1,234,567`.
  public static func count(_ count: Int) -> String {
    let digits = Array(String(count.magnitude))
    var text = count < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }

  /// `1 tensor`, `1,234 tensors`.
  public static func count(_ count: Int, _ singular: String, _ plural: String? = nil) -> String {
    "\(self.count(count)) \(count == 1 ? singular : plural ?? singular + "s")"
  }

  /// `999 bytes`, `12.3 GB`: units of 1000, as disks and file managers count.
  public static func bytes(_ count: Int) -> String {
    guard count.magnitude >= 1000 else { return self.count(count, "byte") }
    return scaled(Double(count), units: ["kB", "MB", "GB", "TB", "PB", "EB"], steps: 1)
  }

  /// `27.1 TFLOP`: floating-point operations.
  public static func operations(_ count: Double) -> String {
    guard abs(count) >= 1000 else { return fixed(count, places: 0) + " FLOP" }
    return scaled(count, units: ["kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"], steps: 1)
  }

  /// `12.3 billion`, `18.7 million`, `9,216`: for counts of parameters.
  public static func parameters(_ count: Int) -> String {
    guard count.magnitude >= 1_000_000 else { return self.count(count) }
    return scaled(Double(count), units: ["million", "billion", "trillion"], steps: 2)
  }

  /// A number with that many digits after the point: `0.125` with two is `0.12`.
  public static func fixed(_ value: Double, places: Int) -> String {
    format("%.*f", Int32(clamping: places), value)
  }

  /// A number with that many digits that count, `1.23e-07` where it is small or large.
  public static func significant(_ value: Double, digits: Int) -> String {
    format("%.*g", Int32(clamping: digits), value)
  }

  /// `0.42 s`, `12 s`, `3 min 20 s`, `1 h 05 min`.
  public static func duration(_ duration: Duration) -> String {
    let seconds = max(0, duration / .seconds(1))
    if seconds < 9.95 { return fixed(seconds, places: seconds < 0.995 ? 2 : 1) + " s" }
    let whole = seconds < 9e15 ? Int(seconds.rounded()) : Int(9e15)
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
    return "\(whole / 3600) h \(twoDigits(whole / 60 % 60)) min"
  }

  private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

  /// One decimal and the largest unit that leaves a number of at least 1; a unit is 1000 of the one
  /// before it, the first one 1000 to the power of `steps`.
  private static func scaled(_ value: Double, units: [String], steps: Int) -> String {
    var value = value
    for _ in 0..<steps { value /= 1000 }
    var unit = 0
    // 999.95 would be written as 1000.0.
    while abs(value) >= 999.95, unit + 1 < units.count {
      value /= 1000
      unit += 1
    }
    return "\(fixed(value, places: 1)) \(units[unit])"
  }

  private static func format(_ format: String, _ digits: Int32, _ value: Double) -> String {
    unsafe withVaList([digits, value]) { arguments in
      // The longest: 309 digits before the point, a sign, a point, and the places.
      var buffer = [CChar](repeating: 0, count: 400)
      _ = unsafe vsnprintf(&buffer, buffer.count, format, arguments)
      return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }
}
