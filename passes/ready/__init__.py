"""Ready designs: templates to start from, with fields, colours, pictures, barcode, translations and sample values."""
