extension SchedulePreset {
  /// The preset that an adapter was made for, as what it is called tells; nil where that tells nothing.
  ///
  /// Published few-step adapters declare no schedule in their headers, so names are all there is.
  ///
  /// - Parameters:
  ///   - names: what it is called: its file, its folder, a title.
  ///   - family: the family that it is for.
  /// - Returns: the first preset of that family that one of the names fits.
  ///
  /// **Source:** formats/schedules.md, `adapters`.
  public static func wanted(byAdapterCalled names: [String], family: String) -> SchedulePreset? {
    let names = names.map(\.lettersAndDigits)
    return all.first { preset in
      preset.families.contains(family)
        && preset.adapters.contains { mark in names.contains { $0.contains(mark) } }
    }
  }
}

extension String {
  /// In lower case, without what stands between words.
  fileprivate var lettersAndDigits: String {
    String(
      decoding: utf8.compactMap { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
        default: nil
        }
      }, as: UTF8.self)
  }
}
