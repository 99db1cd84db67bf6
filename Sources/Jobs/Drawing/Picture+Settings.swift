public import JSON
public import Pictures

extension Picture {
  /// The bytes of a PNG that says what drew it and how: formats/sampling.md.
  ///
  /// - Parameters:
  ///   - software: the program.
  ///   - settings: what it was drawn with.
  /// - Returns: the bytes.
  /// - Throws: ``PictureError``.
  public func png(by software: String, settings: JSONValue) throws(PictureError) -> [UInt8] {
    var texts = [
      PictureText(key: "Software", text: software),
      PictureText(key: "glance", text: settings.text()),
    ]
    if let parameters = settings.parametersText {
      texts.append(PictureText(key: "parameters", text: parameters))
    }
    return try png(texts: texts)
  }
}
